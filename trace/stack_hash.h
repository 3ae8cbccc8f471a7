/* SPDX-License-Identifier: MIT */
/*
 * Identity of a stack by what is in it: processes that forked apart intern the same stack
 * twice, so a reference does not identify it.
 *
 * The memo belongs to the caller; all zero is empty. No allocation, no system call.
 */
#pragma once

#include "view.h"

#define STACK_MEMO_SLOTS 2048u

struct stack_memo {
	uint64_t frames; /* hashed so far: the work done */
	struct {
		const uint8_t *trace; /* of the view: a reference is one of its bytes */
		cw_ref ref;
		uint64_t hash;
	} slots[STACK_MEMO_SLOTS];
};

#define HASH_SEED 0xcbf29ce484222325ull

uint64_t hash_word(uint64_t hash, uint64_t word);
uint64_t hash_bytes(uint64_t hash, const char *bytes, size_t size);
/* Of the last 128 bytes and the size: the work that a trace can ask for is bounded. */
uint64_t hash_path(uint64_t hash, const char *path, size_t size);

/* A hash of the frames' modules and offsets; 0 for no site. */
uint64_t stack_hash(struct stack_memo *memo, const struct trace_view *view, cw_ref site);
