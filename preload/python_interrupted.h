/* SPDX-License-Identifier: MIT */
/*
 * The Python frames of a thread that a signal interrupted, anywhere: between two stores of the
 * interpreter's, in a function's end, in malloc.
 *
 * Every load is checked, and the interpreter is not asked for anything that takes a lock. Frames
 * are linked only when they are complete, so what hangs together is true; what does not is not
 * told.
 */
#pragma once

#include "python_walk.h"

enum python_interrupted {
	PYTHON_INTERRUPTED_NO,    /* no thread of an interpreter's */
	PYTHON_INTERRUPTED_FRAME, /* the cursor is at its innermost frame */
	PYTHON_INTERRUPTED_UNKNOWN,
};

/* `sp`: of the interrupted thread, which is the calling one. python_state() must be trusted. */
enum python_interrupted python_interrupted_begin(struct python_cursor *cursor,
						 uintptr_t sp);

/* Like python_walk_next_checked(). */
bool python_interrupted_next(struct python_cursor *cursor, struct python_frame *frame);
