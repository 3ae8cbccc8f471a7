/* SPDX-License-Identifier: MIT */
/*
 * Unwinds stacks, by the modules' call frame information (cfi.h), in code of our own: it opens no
 * library, takes no lock and allocates nothing, so it may run in a signal handler and in any fork
 * child. Every load is checked against this thread's stack and the known modules.
 *
 * All functions are for the holder of the sites' lock, with all signals blocked.
 */
#pragma once

#include <stdbool.h>

#include "stack.h"

/* Fills `stack`; count 0: not even the first frame could be left. */
void unwind_stack(struct stack *stack, struct known_log *log);

/* The stack of a thread that a signal interrupted, by the handler's ucontext_t. False: nothing is
 * known. */
bool unwind_interrupted(struct stack *stack, struct known_log *log, const void *context);

/* Its stack pointer. */
uintptr_t unwind_interrupted_sp(const void *context);
