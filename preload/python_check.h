/* SPDX-License-Identifier: MIT */
/* Is the interpreter laid out as its table of offsets says? It tells much of that itself. */
#pragma once

#include "python_walk.h"

/* By what its types publish of their members. Notes what else it needs of them. */
bool python_check_types(void);

/* The same for what python_handler.h needs: sets python.handlers. */
void python_check_handlers(void);

/* By one frame: the types of what it points to, its names, its place in the bytecode. */
bool python_check_frame(const struct python_frame *frame);

/* Is this a code object, with all that is used of one? */
bool python_check_code(uintptr_t code);

/* Is the object of that type? Of a function: its code. */
bool python_check_type(uintptr_t object, uintptr_t type);
bool python_check_function(uintptr_t object, uintptr_t *code);

/* Is it a string that is `text`, or ends with it? */
bool python_check_is(uintptr_t object, const char *text);
bool python_check_ends(uintptr_t object, const char *text);

/* What a type publishes: its name, and where a member of that name is. */
bool python_check_type_name(uintptr_t type, const char *name);
bool python_check_member(uintptr_t type, const char *name, uintptr_t *offset);
