/* SPDX-License-Identifier: MIT */
/* Hashes Python frames. */
#include <stddef.h>

#include "python_find.h"
#include "python_key.h"
#include "python_text.h"

#define OBJECT_SIZE 16
#define TEXT_HASH   24 /* of str and bytes objects; -1: not computed yet */
#define BLOCK       32u
/* Bytes hashed of one object, of longer ones both ends. A line more amid a function can be all
 * that tells its code from that of the one before it, which was freed and has left it its place. */
#define WHOLE_MAX   4096u

/* One for each word of what is hashed, so that what is there twice does not cancel out: the first
 * bits of pi. */
#define SEED_0 0x243f6a8885a308d3ull
#define SEED_1 0x13198a2e03707344ull
#define SEED_2 0xa4093822299f31d0ull
#define SEED_3 0x082efa98ec4e6c89ull

/* Constants of MurmurHash3's finalizer. */
static inline uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0xff51afd7ed558ccdull;
	return hash ^ hash >> 32;
}

/* Every bit of either reaches every bit. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
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

static inline uint64_t block_key(const uint8_t *at)
{
	return fold(word_at(at) ^ SEED_0, word_at(at + 8) ^ SEED_1) ^
	       fold(word_at(at + 16) ^ SEED_2, word_at(at + 24) ^ SEED_3);
}

/* Blocks from `at` on that begin before `stop`. */
static inline uint64_t blocks_key(uint64_t key, const uint8_t *at, const uint8_t *stop)
{
	for (; at < stop; at += BLOCK)
		key = (key ^ block_key(at)) * 0xff51afd7ed558ccdull;
	return key;
}

static inline uint64_t bytes_key(const uint8_t *at, size_t size)
{
	const uint8_t *last = at + size - BLOCK;
	uint64_t key = size;

	if (size < 8)
		return fold(few_bytes(at, size) ^ SEED_0, size ^ SEED_1);
	if (size < 16)
		return key ^ fold(word_at(at) ^ SEED_0, word_at(at + size - 8) ^ SEED_1);
	if (size < BLOCK)
		return key ^ fold(word_at(at) ^ SEED_0, word_at(at + 8) ^ SEED_1) ^
		       fold(word_at(at + size - 16) ^ SEED_2,
			    word_at(at + size - 8) ^ SEED_3);
	if (size <= WHOLE_MAX)
		return blocks_key(key, at, last) ^ block_key(last);
	key = blocks_key(key ^ (uintptr_t)at, at, at + WHOLE_MAX / 2);
	return blocks_key(key, at + size - WHOLE_MAX / 2, last) ^ block_key(last);
}

/* The interpreter keeps the hash of a string's characters beside them, once it was asked for it, as
 * it is of every name, and hardly ever of a file's. */
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
	return bytes_key(text.data, python_text_size(&text)) ^ text.kind;
}

/* Nothing of it waits for the frames before, so the processor works on several at a time. */
static inline uint64_t frame_key(const struct python_frame *frame,
				 struct python_key_file *file)
{
	const struct python_offsets *at = &python.at;
	uintptr_t table = *(const uintptr_t *)(frame->code + at->table);
	uint32_t line = *(const uint32_t *)(frame->code + at->first_line);
	uintptr_t file_name = *(const uintptr_t *)(frame->code + at->file);
	uint64_t name = text_key(*(const uintptr_t *)(frame->code + at->name));
	uint64_t lines = bytes_key((const uint8_t *)table + at->bytes,
				   *(const size_t *)(table + OBJECT_SIZE));
	uint64_t place = (uint64_t)line << 32 | (uint32_t)frame->lasti;

	if (file->object != file_name)
		*file = (struct python_key_file){file_name, text_key(file_name)};
	return fold(lines ^ SEED_0, place ^ SEED_1) ^
	       fold(file->key ^ SEED_2, name ^ SEED_3);
}

uint64_t python_key_add(uint64_t hash, const struct python_frame *frame,
			struct python_key_file *file)
{
	return mix(hash, frame_key(frame, file));
}
