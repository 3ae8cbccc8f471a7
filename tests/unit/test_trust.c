/* SPDX-License-Identifier: MIT */
/* When a number is taken at its word. What ends trust ends it for good: the last test does. */
#include "preload/trust.h"
#include "unit.h"

static struct cw_process process;
static struct books b = {.process = &process};

/* Of 64,000 sockets whose cookies are so far apart. */
static unsigned asked(enum cw_origin origin, uint64_t stride)
{
	unsigned count = 0;

	for (uint64_t i = 1; i <= 64000; i++) {
		struct cw_socket s = {.cookie = i * stride, .origin = (uint8_t)origin};

		count += !trusts(&b, &s);
	}
	return count;
}

static void test_first_ones_are_asked_about(void **state)
{
	(void)state;
	process.opened = 0;
	assert_int_equal(asked(CW_ORIGIN_ACCEPT, 1), 64000);
	process.opened = TRUST_AFTER;
	assert_int_equal(asked(CW_ORIGIN_ACCEPT, 1), 64000);
	process.opened = TRUST_AFTER + 1;
	assert_true(asked(CW_ORIGIN_ACCEPT, 1) < 64000);
}

static void test_some_are_asked_about_for_ever(void **state)
{
	static const uint64_t strides[] = {1, 2, 3, 16, 64, 4096, 1ull << 32};

	(void)state;
	process.opened = 1000000;
	for (size_t i = 0; i < sizeof strides / sizeof *strides; i++) {
		assert_in_range(asked(CW_ORIGIN_ACCEPT, strides[i]), 900, 1100);
		assert_in_range(asked(CW_ORIGIN_CONNECT, strides[i]), 900, 1100);
	}
}

static void test_what_others_opened_is_asked_about(void **state)
{
	static const enum cw_origin origins[] = {CW_ORIGIN_ADOPTED, CW_ORIGIN_INHERITED,
						 CW_ORIGIN_RECEIVED, CW_ORIGIN_SOCKETPAIR,
						 CW_ORIGIN_SOCKET};

	(void)state;
	process.opened = 1000000;
	for (size_t i = 0; i < sizeof origins / sizeof *origins; i++)
		assert_int_equal(asked(origins[i], 1), 64000);
}

static void test_ends_for_good(void **state)
{
	(void)state;
	process.opened = 1000000;
	trust_ends();
	assert_int_equal(asked(CW_ORIGIN_ACCEPT, 1), 64000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_ones_are_asked_about),
		cmocka_unit_test(test_some_are_asked_about_for_ever),
		cmocka_unit_test(test_what_others_opened_is_asked_about),
		cmocka_unit_test(test_ends_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
