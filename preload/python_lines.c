/* SPDX-License-Identifier: MIT */
/* The four forms of line tables. */
#include <stdbool.h>

#include "python_lines.h"

/* Pairs: bytes of code, and by how much the line is more from there on. */
static int32_t line_of_pairs(bool are_signed, const uint8_t *table, size_t size,
			     int32_t line, int32_t lasti)
{
	int32_t address = 0;

	for (size_t i = 0; i + 1 < size; i += 2) {
		address += table[i];
		if (address > lasti)
			break;
		line += are_signed ? (int8_t)table[i + 1] : table[i + 1];
	}
	return line;
}

/* Pairs: by how much the line is more, for so many bytes of code; -128: these have none. */
static int32_t line_of_ranges(const uint8_t *table, size_t size, int32_t line,
			      int32_t lasti)
{
	int32_t address = 0;

	for (size_t i = 0; i + 1 < size; i += 2) {
		int8_t delta = (int8_t)table[i + 1];

		line += delta == -128 ? 0 : delta;
		address += table[i];
		if (lasti < address)
			return delta == -128 ? 0 : line;
	}
	return 0;
}

/* Objects/locations.md: six bits a byte, low ones first, the lowest bit of all is the sign. */
static int32_t signed_number(const uint8_t *table, size_t size, size_t at)
{
	uint32_t value = 0;
	unsigned shift = 0;

	for (; at < size && shift < 30; at++, shift += 6) {
		value |= (uint32_t)(table[at] & 63) << shift;
		if (!(table[at] & 64))
			break;
	}
	return value & 1 ? -(int32_t)(value >> 1) : (int32_t)(value >> 1);
}

#define CODE_ONE_LINE_0 10
#define CODE_NO_COLUMNS 13
#define CODE_LONG       14
#define CODE_NONE       15

static int32_t line_of_locations(const uint8_t *table, size_t size, int32_t line,
				 int32_t lasti)
{
	int32_t address = 0;
	size_t i = 0;

	while (i < size) {
		unsigned code = table[i] >> 3 & 15;

		address += ((table[i] & 7) + 1) * 2;
		i++;
		if (code == CODE_LONG || code == CODE_NO_COLUMNS)
			line += signed_number(table, size, i);
		else if (code >= CODE_ONE_LINE_0 && code < CODE_NO_COLUMNS)
			line += (int32_t)code - CODE_ONE_LINE_0;
		if (lasti < address)
			return code == CODE_NONE ? 0 : line;
		/* Only the first byte of an entry has the highest bit. */
		while (i < size && !(table[i] & 128))
			i++;
	}
	return 0;
}

int32_t python_line(enum python_lines form, const uint8_t *table, size_t size,
		    int32_t first_line, int32_t lasti)
{
	if (lasti < 0)
		return first_line;
	switch (form) {
	case PYTHON_LINES_UNSIGNED:
		return line_of_pairs(false, table, size, first_line, lasti);
	case PYTHON_LINES_SIGNED:
		return line_of_pairs(true, table, size, first_line, lasti);
	case PYTHON_LINES_RANGES:
		return line_of_ranges(table, size, first_line, lasti);
	case PYTHON_LINES_LOCATIONS:
		return line_of_locations(table, size, first_line, lasti);
	}
	return 0;
}
