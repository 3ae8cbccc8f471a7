/* SPDX-License-Identifier: MIT */
/* Hashes Python frames. */
#include <stddef.h>

#include "python_find.h"
#include "python_key.h"
#include "python_text.h"

#define OBJECT_SIZE 16
#define TEXT_HASH   24  /* of str and bytes objects; -1: not computed yet */
#define WHOLE_MAX   64u /* bytes hashed of one object; of longer ones, both ends */

/* Constants of MurmurHash3's finalizer and of SplitMix64. */
static inline uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0xff51afd7ed558ccdull;
	return hash ^ hash >> 32;
}

static inline uint64_t word_at(const uint8_t *at)
{
	uint64_t word;

	__builtin_memcpy(&word, at, sizeof word);
	return word;
}

static inline uint64_t few_bytes(const uint8_t *at, size_t size)
{
	uint64_t word = 0;

	for (size_t i = 0; i < size; i++)
		word = word << 8 | at[i];
	return word;
}

static inline uint64_t mix_run(uint64_t hash, const uint8_t *at, size_t size)
{
	uint64_t other = hash ^ 0xbf58476d1ce4e5b9ull;
	size_t i = 0;

	if (size < 8)
		return mix(hash, few_bytes(at, size));
	for (; i + 16 <= size; i += 16) { /* two chains of multiplications side by side */
		hash = mix(hash, word_at(at + i));
		other = mix(other, word_at(at + i + 8));
	}
	if (i + 8 <= size)
		hash = mix(hash, word_at(at + i));
	return mix(hash ^ other * 3, word_at(at + size - 8));
}

static inline uint64_t mix_bytes(uint64_t hash, const uint8_t *at, size_t size)
{
	hash = mix(hash, size);
	if (size <= WHOLE_MAX)
		return mix_run(hash, at, size);
	hash = mix(hash, (uintptr_t)at);
	hash = mix_run(hash, at, WHOLE_MAX / 2);
	return mix_run(hash, at + size - WHOLE_MAX / 2, WHOLE_MAX / 2);
}

/* The interpreter keeps the hash of a string's characters beside them, once it was asked for it, as
 * it is of every name. */
static inline uint64_t text_key(uintptr_t object)
{
	struct python_text text;
	uint64_t hash;

	if (!object)
		return 0;
	hash = *(const uint64_t *)(object + TEXT_HASH);
	if (hash != UINT64_MAX)
		return hash;
	if (!python_text_of(object, &text))
		return object;
	return mix_bytes(text.kind, text.data, python_text_size(&text));
}

/* Nothing of it waits for the frames before, so the processor works on several at a time. */
static inline uint64_t frame_key(const struct python_frame *frame)
{
	const struct python_offsets *at = &python.at;
	uintptr_t table = *(const uintptr_t *)(frame->code + at->table);
	uint32_t line = *(const uint32_t *)(frame->code + at->first_line);
	uint64_t file = text_key(*(const uintptr_t *)(frame->code + at->file));
	uint64_t name = text_key(*(const uintptr_t *)(frame->code + at->name));
	uint64_t lines = mix_bytes((uint64_t)line << 32 | (uint32_t)frame->lasti,
				   (const uint8_t *)table + at->bytes,
				   *(const size_t *)(table + OBJECT_SIZE));

	return mix(mix(lines, file), name);
}

uint64_t python_key_add(uint64_t hash, const struct python_frame *frame)
{
	return mix(hash, frame_key(frame));
}
