/* SPDX-License-Identifier: MIT */
/* What tells a Python frame from another: a hash of what its name and line come from. */
#pragma once

#include "python_walk.h"

#define PYTHON_KEY_SEED 0x9e3779b97f4a7c15ull

/* The file of the frame before, most often the next one's too. Zeroed for the first frame. */
struct python_key_file {
	uintptr_t object;
	uint64_t key;
};

/* Adds a frame to the hash of those before it. Plain loads. */
uint64_t python_key_add(uint64_t hash, const struct python_frame *frame,
			struct python_key_file *file);

/* The hash of the calling thread's Python stack, with what python_handler.h adds to it, found by
 * plain loads; 0: it has none, or it is not to be had. Takes no lock. Not in a signal handler. */
uint64_t python_stack_hash(void);
