/* SPDX-License-Identifier: MIT */
/* Hashes of stacks by content, each computed about once. */
#include <string.h>

#include "stack_hash.h"

#define PATH_TAIL 128u /* bytes */

/* The finalizer of MurmurHash3 (fmix64), over a running state. */
uint64_t hash_word(uint64_t hash, uint64_t word)
{
	hash ^= word + 0x9e3779b97f4a7c15ull + (hash << 6) + (hash >> 2);
	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccdull;
	hash ^= hash >> 33;
	return hash;
}

uint64_t hash_bytes(uint64_t hash, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		hash ^= (unsigned char)bytes[i];
		hash *= 0x100000001b3ull; /* FNV-1a */
	}
	return hash;
}

uint64_t hash_path(uint64_t hash, const char *path, size_t size)
{
	size_t start = size > PATH_TAIL ? size - PATH_TAIL : 0;

	hash = hash_word(hash, size);
	for (size_t i = start; i < size; i += sizeof(uint64_t)) {
		uint64_t word = 0;

		memcpy(&word, path + i,
		       size - i < sizeof(word) ? size - i : sizeof(word));
		hash = hash_word(hash, word);
	}
	return hash;
}

static uint64_t hash_code(const struct trace_view *view, cw_ref ref)
{
	const struct cw_code *code = trace_code(view, ref);
	uint64_t hash = HASH_SEED;
	const char *text;
	size_t size;

	if (!code)
		return 0;
	text = trace_bytes(view, code->file, &size);
	hash = hash_path(hash, text, size);
	text = trace_bytes(view, code->function, &size);
	hash = hash_path(hash, text, size);
	return hash_word(hash, code->first_line);
}

static uint64_t hash_module(const struct trace_view *view, cw_ref ref)
{
	const struct cw_module *module = trace_module(view, ref);
	const char *path;
	size_t size;

	if (!module)
		return 0;
	path = trace_bytes(view, module->path, &size);
	return hash_path(HASH_SEED, path, size);
}

static uint64_t hash_frames(struct stack_memo *memo, const struct trace_view *view,
			    cw_ref ref)
{
	uint32_t count;
	const struct cw_site *site = trace_site(view, ref, &count);
	uint64_t hash = HASH_SEED;
	uint64_t place = 0;
	uint64_t last = 0;

	if (!site)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		struct cw_frame frame = site->frames[i];
		bool python = frame.flags & CW_FRAME_PYTHON;
		uint64_t key;

		/* One line of Python takes many ways through the interpreter: 3.11 and later
		 * change the bytecode as it runs. */
		if (i && !python && site->frames[0].flags & CW_FRAME_PYTHON)
			break;
		key = (uint64_t)frame.module << 1 | python;

		if (key != last)
			place = python ? hash_code(view, frame.module)
				       : hash_module(view, frame.module);
		last = key;
		hash = hash_word(hash, place);
		hash = hash_word(hash, frame.offset);
	}
	memo->frames += count; /* at most: the work done */
	return hash ? hash : 1;
}

uint64_t stack_hash(struct stack_memo *memo, const struct trace_view *view, cw_ref site)
{
	/* Sites are packed: neighbours in the file are neighbours here. */
	uint32_t slot = (site ^ site >> 11) % STACK_MEMO_SLOTS;

	if (!site)
		return 0;
	if (memo->slots[slot].ref != site || memo->slots[slot].trace != view->bytes) {
		memo->slots[slot].hash = hash_frames(memo, view, site);
		memo->slots[slot].ref = site;
		memo->slots[slot].trace = view->bytes;
	}
	return memo->slots[slot].hash;
}
