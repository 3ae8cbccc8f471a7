/* SPDX-License-Identifier: MIT */
/* The four forms of CPython's line tables; and any bytes in their place. */
#include <stdlib.h>
#include <string.h>

#include "preload/python_lines.h"
#include "unit.h"

static int32_t line(enum python_lines form, const char *table, size_t size, int32_t lasti)
{
	return python_line(form, (const uint8_t *)table, size, 100, lasti);
}

#define LINE(form, table, lasti) line(form, table, sizeof(table) - 1, lasti)

static void pairs_add_up(void **state)
{
	static const char table[] = "\x06\x01\xff\x00\x03\x7f\x02\xff";

	(void)state;
	assert_int_equal(LINE(PYTHON_LINES_UNSIGNED, table, 0), 100);
	assert_int_equal(LINE(PYTHON_LINES_UNSIGNED, table, 6), 101);
	assert_int_equal(LINE(PYTHON_LINES_UNSIGNED, table, 6 + 255 + 3), 228);
	assert_int_equal(LINE(PYTHON_LINES_UNSIGNED, table, 1000), 228 + 255);
	assert_int_equal(LINE(PYTHON_LINES_SIGNED, table, 1000), 227);
}

static void ranges_may_have_no_line(void **state)
{
	static const char table[] = "\x04\x01\x04\x80\x04\xfe\x00\x7f\x04\x05";

	(void)state;
	assert_int_equal(LINE(PYTHON_LINES_RANGES, table, 2), 101);
	assert_int_equal(LINE(PYTHON_LINES_RANGES, table, 4), 0);
	assert_int_equal(LINE(PYTHON_LINES_RANGES, table, 8), 99);
	assert_int_equal(LINE(PYTHON_LINES_RANGES, table, 12), 99 + 127 + 5);
	assert_int_equal(LINE(PYTHON_LINES_RANGES, table, 16), 0);
}

static void locations_of_every_kind(void **state)
{
	/* short; one line, +2; no columns, -3; long, +64; none */
	static const char table[] = "\x80\x00"
				    "\xe1\x01\x02"
				    "\xe8\x07"
				    "\xf0\x40\x02\x00\x01\x01"
				    "\xf8";

	(void)state;
	assert_int_equal(LINE(PYTHON_LINES_LOCATIONS, table, 0), 100);
	assert_int_equal(LINE(PYTHON_LINES_LOCATIONS, table, 2), 102);
	assert_int_equal(LINE(PYTHON_LINES_LOCATIONS, table, 4), 102);
	assert_int_equal(LINE(PYTHON_LINES_LOCATIONS, table, 6), 99);
	assert_int_equal(LINE(PYTHON_LINES_LOCATIONS, table, 8), 99 + 64);
	assert_int_equal(LINE(PYTHON_LINES_LOCATIONS, table, 10), 0);
	assert_int_equal(LINE(PYTHON_LINES_LOCATIONS, table, 12), 0);
}

static void before_the_first_instruction_is_the_first_line(void **state)
{
	(void)state;
	for (int form = PYTHON_LINES_UNSIGNED; form <= PYTHON_LINES_LOCATIONS; form++)
		assert_int_equal(line((enum python_lines)form, "\x02\x05", 2, -2), 100);
}

/* Each in memory of its own size: a sanitizer sees a byte too far. */
static void any_bytes_are_read_no_further_than_they_go(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 20000; round++) {
		size_t size = (size_t)rand() % 24;
		uint8_t *table = malloc(size ? size : 1);

		assert_non_null(table);
		for (size_t i = 0; i < size; i++)
			table[i] = (uint8_t)(rand() >> 7);
		for (int form = PYTHON_LINES_UNSIGNED; form <= PYTHON_LINES_LOCATIONS;
		     form++)
			python_line((enum python_lines)form, table, size, 1,
				    rand() % 300);
		free(table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_add_up),
		cmocka_unit_test(ranges_may_have_no_line),
		cmocka_unit_test(locations_of_every_kind),
		cmocka_unit_test(before_the_first_instruction_is_the_first_line),
		cmocka_unit_test(any_bytes_are_read_no_further_than_they_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
