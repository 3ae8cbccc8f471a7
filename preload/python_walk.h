/* SPDX-License-Identifier: MIT */
/*
 * The Python frames of the calling thread, innermost first.
 *
 * The hook runs in the thread that called into it, so its frames cannot change meanwhile, whether
 * it holds the GIL or not. Not for a signal handler, which may have interrupted the
 * interpreter between two of its stores. No lock, no allocation, no system call once the
 * interpreter's layout is trusted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct python_frame {
	uintptr_t at; /* where the interpreter has it; 0: not on the stack */
	uintptr_t code;
	int32_t lasti; /* bytes into the bytecode; negative: not begun */
};

/* Where a walk is: the next frame, 0 at the end. */
struct python_cursor {
	uintptr_t next;
	unsigned steps;
	bool lost; /* it ended at something that is no frame */
};

/* False: the thread has no state of the interpreter's, or that ends. Checked: every load is. */
bool python_walk_begin(struct python_cursor *cursor, bool checked);
bool python_walk_next(struct python_cursor *cursor, struct python_frame *frame);
bool python_walk_next_checked(struct python_cursor *cursor, struct python_frame *frame);

/* Did C call the interpreter for this frame, the one that was given last? Then it is the outermost of those that
 * one call of its evaluation loop runs. */
bool python_walk_entered(const struct python_cursor *cursor,
			 const struct python_frame *frame, bool checked);
