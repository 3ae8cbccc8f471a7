/* SPDX-License-Identifier: MIT */
/* Read-modify-writes without a lock, interrupted after each instruction by a signal handler that
 * does them too: nothing is lost. */
#include <signal.h>
#include <stddef.h>

#include "preload/rmw.h"
#include "unit.h"

#define ROUNDS 1000
#define BUSY   50 /* a handler that always came between would let no swap succeed */

static _Atomic uint64_t wide;
static _Atomic uint32_t narrow;
static void (*one)(void);
static uint64_t interruptions;
static int left;

static void add_wide(void)
{
	rmw_add64(&wide, 3);
}

static void add_narrow(void)
{
	rmw_add32(&narrow, 3);
}

static void fetch_add_narrow(void)
{
	rmw_fetch_add32(&narrow, 3);
}

static void swap_wide(void)
{
	uint64_t seen = wide;

	while (!rmw_swap64(&wide, &seen, seen + 3))
		;
}

static void swap_narrow(void)
{
	uint32_t seen = narrow;

	while (!rmw_swap32(&narrow, &seen, seen + 3))
		;
}

static void interrupted(int sig)
{
	(void)sig;
	if (!left)
		return;
	left--;
	interruptions++;
	one();
}

#if defined(__x86_64__)
#define TRAP_FLAG 0x100 /* of EFLAGS: SIGTRAP after each instruction */

static void step(int on)
{
	unsigned long flags;

	__asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags) : : "memory");
	flags = on ? flags | TRAP_FLAG : flags & ~(unsigned long)TRAP_FLAG;
	__asm__ volatile("pushq %0\n\tpopfq" : : "r"(flags) : "memory", "cc");
}
#else
/* Only what comes between the operations. */
static void step(int on)
{
	if (on)
		raise(SIGTRAP);
}
#endif

static uint64_t sum_of(void (*operation)(void))
{
	one = operation;
	wide = narrow = 0;
	interruptions = 0;
	for (int i = 0; i < ROUNDS; i++) {
		left = BUSY;
		step(1);
		operation();
		step(0);
	}
	return wide + narrow;
}

static void nothing_is_lost_to_a_handler(void **state)
{
	static void (*const operations[])(void) = {
		add_wide, add_narrow, fetch_add_narrow, swap_wide, swap_narrow,
	};
	struct sigaction trap = {.sa_handler = interrupted};

	(void)state;
	assert_int_equal(sigaction(SIGTRAP, &trap, NULL), 0);
	assert_true(*rmw_alone_at);
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
		uint64_t sum = sum_of(operations[i]);

		assert_int_equal(sum, 3 * (ROUNDS + interruptions));
		assert_true(interruptions >= ROUNDS);
	}
}

/* What each does and returns. */
static void does_as_the_atomic_operation(void)
{
	uint64_t expected = 7;
	uint32_t expected32 = 7;

	wide = 5;
	rmw_add64(&wide, 1ull << 40);
	assert_int_equal(wide, (1ull << 40) + 5);
	assert_int_equal(rmw_exchange64(&wide, 9), (1ull << 40) + 5);
	assert_int_equal(wide, 9);
	assert_false(rmw_swap64(&wide, &expected, 1));
	assert_int_equal(expected, 9);
	assert_true(rmw_swap64(&wide, &expected, 1ull << 63));
	assert_int_equal(wide, 1ull << 63);
	narrow = 5;
	rmw_add32(&narrow, 1);
	assert_int_equal(rmw_fetch_add32(&narrow, 2), 6);
	assert_int_equal(narrow, 8);
	rmw_or32(&narrow, 1);
	assert_int_equal(rmw_fetch_or32(&narrow, 1u << 31 | 8), 9);
	assert_int_equal(narrow, 1u << 31 | 9);
	assert_false(rmw_swap32(&narrow, &expected32, 1));
	assert_int_equal(expected32, 1u << 31 | 9);
	assert_true(rmw_swap32(&narrow, &expected32, 2));
	assert_int_equal(narrow, 2);
}

static void same_alone_and_not(void **state)
{
	(void)state;
	assert_true(*rmw_alone_at);
	does_as_the_atomic_operation();
	rmw_not_alone();
	assert_false(*rmw_alone_at);
	does_as_the_atomic_operation();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_to_a_handler),
		cmocka_unit_test(same_alone_and_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
