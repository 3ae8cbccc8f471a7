/* SPDX-License-Identifier: MIT */
/* Is the interpreter laid out as its table of offsets says? It tells much of that itself. */
#pragma once

#include "python_walk.h"

/* By what its types publish of their members. Notes what else it needs of them. */
bool python_check_types(void);

/* By one frame: the types of what it points to, its names, its place in the bytecode. */
bool python_check_frame(const struct python_frame *frame);
