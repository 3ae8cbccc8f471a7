/* SPDX-License-Identifier: MIT */
/*
 * Reads call frame information, byte by byte and within bounds: what the linker wrote may be
 * broken. A read beyond the end gives 0 and sets `bad`, which stays set.
 *
 * In any context.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cfi_bytes {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

static inline void cfi_fail(struct cfi_bytes *b)
{
	b->bad = true;
	b->at = b->end;
}

static inline bool cfi_more(const struct cfi_bytes *b)
{
	return b->at < b->end;
}

static inline void cfi_skip(struct cfi_bytes *b, uint64_t size)
{
	if (size > (uint64_t)(b->end - b->at))
		cfi_fail(b);
	else
		b->at += size;
}

/* Little endian, as the machine is; `size` is at most 8, and a constant. */
__attribute__((always_inline)) static inline uint64_t cfi_unsigned(struct cfi_bytes *b,
								   unsigned size)
{
	const uint8_t *from = b->at;
	uint64_t value = 0;

	cfi_skip(b, size);
	if (!b->bad)
		__builtin_memcpy(&value, from, size);
	return value;
}

__attribute__((always_inline)) static inline int64_t cfi_signed(struct cfi_bytes *b,
								unsigned size)
{
	unsigned above = 64 - size * 8;

	return (int64_t)(cfi_unsigned(b, size) << above) >> above;
}

static inline uint8_t cfi_u8(struct cfi_bytes *b)
{
	if (b->at < b->end)
		return *b->at++;
	b->bad = true;
	return 0;
}

/* LEB128 (DWARF 5, 7.6). Bits beyond the 64th are dropped. */
static inline uint64_t cfi_leb(struct cfi_bytes *b, bool is_signed)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = cfi_u8(b);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += shift < 64 ? 7 : 0;
	} while (byte & 0x80);
	if (is_signed && byte & 0x40 && shift < 64)
		value |= ~0ull << shift;
	return value;
}

static inline uint64_t cfi_uleb(struct cfi_bytes *b)
{
	return cfi_leb(b, false);
}

static inline int64_t cfi_sleb(struct cfi_bytes *b)
{
	return (int64_t)cfi_leb(b, true);
}

/* A block: its length and so many bytes, which are skipped. */
static inline struct cfi_bytes cfi_block(struct cfi_bytes *b)
{
	uint64_t size = cfi_uleb(b);
	struct cfi_bytes block = {.at = b->at, .end = b->at};

	cfi_skip(b, size);
	if (!b->bad)
		block.end = b->at;
	return block;
}

/* How a pointer is written (LSB, DWARF extensions: DW_EH_PE_*): its form in the low four bits,
 * what it is relative to in the next three, and whether it is one to the pointer. */
#define CFI_ABSOLUTE 0x00
#define CFI_FORM     0x0f
#define CFI_RELATIVE 0x70
#define CFI_PCREL    0x10
#define CFI_ALIGNED  0x50
#define CFI_INDIRECT 0x80
#define CFI_OMITTED  0xff

/* Only what it is, without following one that is indirect. Relative to the text or the data it
 * occurs nowhere that we read; that is bad, too. */
uintptr_t cfi_pointer(struct cfi_bytes *b, uint8_t encoding);
