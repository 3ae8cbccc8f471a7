/* SPDX-License-Identifier: MIT */
/*
 * Whether an exec can succeed at all. What is done before one (the report, the trace's end)
 * cannot be taken back in full, and programs try paths until one is there.
 *
 * The answer true is no promise: the file may be no program, or the arguments too many.
 * System calls only; where they do not tell, the answer is true.
 */
#pragma once

#include <stdbool.h>

/* The file that execveat would run: `flags` are AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW. */
bool exec_can_run(int dir, const char *path, int flags);

/* The same for execvp, which searches $PATH. */
bool exec_can_find(const char *file);
