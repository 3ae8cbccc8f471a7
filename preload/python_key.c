/* SPDX-License-Identifier: MIT */
/* Hashes Python frames. */
#include <stddef.h>

#include "trace/format.h"

#include "python_handler.h"
#include "python_key.h"
#include "python_step.h"
#include "python_text.h"

#define OBJECT_SIZE 16
#define TEXT_HASH   24 /* of str and bytes objects; -1: not computed yet */
#define BLOCK       64u
/* Bytes hashed of one object, of longer ones both ends. A line more amid a function can be all
 * that tells its code from that of the one before it, which was freed and has left it its place. */
#define WHOLE_MAX   (64u << 10)

/* Chains begin with different ones, so that what is there twice does not cancel out: the first bits of
 * pi. */
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

/* The object's own header is before them. */
static inline uint64_t few_bytes(const uint8_t *at, size_t size)
{
	return size ? word_at(at + size - 8) >> (64 - 8 * size) : 0;
}

/* Every second word goes into the product with what came before. */
static inline uint64_t chain(uint64_t key, const uint8_t *at)
{
	return fold(word_at(at) ^ SEED_0, word_at(at + 8) ^ key);
}

/* Four chains at a time: the processor does not wait for the end of one multiplication to begin the
 * next. */
struct lanes {
	uint64_t a, b, c, d;
};

static inline struct lanes add_block(struct lanes lanes, const uint8_t *at)
{
	return (struct lanes){
		.a = chain(lanes.a, at),
		.b = chain(lanes.b, at + 16),
		.c = chain(lanes.c, at + 32),
		.d = chain(lanes.d, at + 48),
	};
}

/* Blocks from `at` on that begin before `stop`. */
static inline struct lanes add_blocks(struct lanes lanes, const uint8_t *at,
				      const uint8_t *stop)
{
	for (; at < stop; at += BLOCK)
		lanes = add_block(lanes, at);
	return lanes;
}

/* Of BLOCK bytes or more. */
static __attribute__((noinline)) uint64_t long_key(const uint8_t *at, size_t size)
{
	const uint8_t *last = at + size - BLOCK;
	struct lanes lanes = {size, SEED_1, SEED_2, SEED_3};

	if (size <= WHOLE_MAX) {
		lanes = add_blocks(lanes, at, last);
	} else {
		lanes.a ^= (uintptr_t)at;
		lanes = add_blocks(lanes, at, at + WHOLE_MAX / 2);
		lanes = add_blocks(lanes, at + size - WHOLE_MAX / 2, last);
	}
	lanes = add_block(lanes, last);
	return lanes.a ^ lanes.b ^ lanes.c ^ lanes.d;
}

/* Of 16 to 32 bytes. */
static inline uint64_t ends_key(const uint8_t *at, size_t size)
{
	return chain(SEED_1, at) ^ chain(SEED_2, at + size - 16) ^ size;
}

/* Of 32 bytes or more, but less than BLOCK. */
static __attribute__((noinline)) uint64_t middle_key(const uint8_t *at, size_t size)
{
	return chain(chain(size, at), at + size - 32) ^
	       chain(chain(SEED_1, at + 16), at + size - 16);
}

static inline uint64_t bytes_key(const uint8_t *at, size_t size)
{
	if (size > 32)
		return size < BLOCK ? middle_key(at, size) : long_key(at, size);
	if (size >= 16)
		return ends_key(at, size);
	if (size >= 8)
		return fold(word_at(at) ^ SEED_0, word_at(at + size - 8) ^ SEED_1) ^ size;
	return fold((few_bytes(at, size) | (uint64_t)size << 56) ^ SEED_0, SEED_1);
}

static __attribute__((noinline)) uint64_t text_key(uintptr_t object)
{
	struct python_text text;

	if (!python_text_of(object, &text))
		return object;
	return bytes_key(text.data, python_text_size(&text)) ^ text.kind;
}

/* The interpreter keeps the hash of a string's characters beside them, once it was asked for it, as
 * it is of every name, and hardly ever of a file's. */
static inline uint64_t name_key(uintptr_t object)
{
	uint64_t hash = object ? *(const uint64_t *)(object + TEXT_HASH) : 0;

	return __builtin_expect(hash == UINT64_MAX, false) ? text_key(object) : hash;
}

/* Nothing of it waits for the frames before, so the processor works on several at a time. */
static inline __attribute__((always_inline)) uint64_t frame_key(
	const struct python_frame *frame, struct python_key_file *file)
{
	const struct python_offsets *at = &python.at;
	uintptr_t table = *(const uintptr_t *)(frame->code + at->table);
	uint32_t line = *(const uint32_t *)(frame->code + at->first_line);
	uintptr_t file_name = *(const uintptr_t *)(frame->code + at->file);
	uint64_t name = name_key(*(const uintptr_t *)(frame->code + at->name));
	uint64_t lines = bytes_key((const uint8_t *)table + at->bytes,
				   *(const size_t *)(table + OBJECT_SIZE));
	/* Spread out: what differs in two names (2.7 keeps their last characters in the lowest bits) must
	 * not be what differs in two places. */
	uint64_t place =
		((uint64_t)line << 32 | (uint32_t)frame->lasti) * 0x9e3779b97f4a7c15ull;

	if (file->object != file_name)
		*file = (struct python_key_file){file_name, name_key(file_name)};
	return fold(lines ^ file->key, name ^ place);
}

uint64_t python_key_add(uint64_t hash, const struct python_frame *frame,
			struct python_key_file *file)
{
	return mix(hash, frame_key(frame, file));
}

/* All in one loop: a call for each frame would cost as much as the frame. The cursor and the frame
 * are in registers, so nobody is given their addresses. */
static inline __attribute__((always_inline)) uint64_t stack_hash(
	bool since_311, struct python_cursor cursor)
{
	struct python_frame frame;
	struct python_key_file file = {0};
	uint64_t hash = PYTHON_KEY_SEED;
	unsigned count = 0;

	while (count < CW_SITE_PYTHON_MAX &&
	       python_step(false, since_311, &cursor, &frame)) {
		hash = mix(hash, frame_key(&frame, &file));
		if (++count <= PYTHON_HANDLER_DEPTH) {
			struct python_frame copy = frame;

			hash = python_handler_add(hash, &copy);
		}
	}
	return !count || cursor.lost ? 0 : hash ? hash : 1;
}

uint64_t python_stack_hash(void)
{
	struct python_cursor cursor;

	if (python_state() != PYTHON_TRUSTED || !python_walk_begin(&cursor, false))
		return 0;
	return python_since_311() ? stack_hash(true, cursor) : stack_hash(false, cursor);
}
