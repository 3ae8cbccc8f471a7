/* SPDX-License-Identifier: MIT */
/* A call is about the socket that its number had: another thread closes the number and opens it
 * anew at the worst instants, and what came back is held against neither that thread's socket nor
 * its number. The table of descriptors is real; records and the kernel are this test's. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "preload/aside.h"
#include "preload/events.h"
#include "preload/fd_table.h"
#include "preload/kernel.h"
#include "preload/lifecycle.h"
#include "preload/lifecycle_internal.h"
#include "preload/site_stats.h"
#include "preload/sites.h"
#include "preload/trust.h"
#include "unit.h"

#define FD    5
#define FIRST (1ull << 32 | 1) /* the entry of the socket that the call was about */
#define OTHER (2ull << 32 | 1) /* of the one that another thread opened then */

struct books *books;
__thread int vfork_mark;
_Atomic(_Atomic uint64_t *) books_no_fds[CW_FD_EXTENTS];
_Atomic(_Atomic uint64_t *) *books_fds = books_no_fds;
struct trace_map trace_map;

/* When the other thread closes the number and opens it. */
enum swap {
	SWAP_NEVER,
	SWAP_AFTER_ADOPTION,
	SWAP_AFTER_LOOKUP, /* when the record behind the number has been looked up */
	SWAP_UNSEEN,       /* then, but by calls that no hook sees */
};

static struct books here = {.ready = BOOKS_READY};
static _Atomic uint64_t numbers[CW_FDS_PER_EXTENT];
static struct {
	struct cw_socket first, other;
	enum swap swap;
	uint64_t cookie; /* of the kernel's socket behind the number */
	uint64_t gone;   /* the entry that went out of sight; 0: none */
	unsigned gone_times;
	int pins;
} test;

static void swap_at(enum swap moment)
{
	if (test.swap != moment)
		return;
	numbers[FD] = moment == SWAP_UNSEEN ? FIRST : OTHER;
	test.cookie = test.other.cookie;
}

struct cw_socket *socket_pin(uint64_t entry)
{
	test.pins++;
	swap_at(SWAP_AFTER_LOOKUP);
	swap_at(SWAP_UNSEEN);
	return entry == FIRST ? &test.first : &test.other;
}

void socket_unpin(struct books *b, struct cw_socket *s)
{
	(void)b;
	(void)s;
	test.pins--;
}

uint64_t lifecycle_adopt(struct books *b, int fd)
{
	(void)b;
	test.first.origin = CW_ORIGIN_ADOPTED;
	numbers[fd] = FIRST;
	swap_at(SWAP_AFTER_ADOPTION);
	return FIRST;
}

void lifecycle_gone(struct books *b, uint64_t entry)
{
	(void)b;
	test.gone = entry;
	test.gone_times++;
}

uint64_t kernel_cookie(int fd)
{
	assert_int_equal(fd, FD);
	return test.cookie;
}

bool kernel_hung_up(int fd)
{
	(void)fd;
	return true;
}

bool kernel_was_connected(int fd)
{
	(void)fd;
	return true;
}

_Atomic(_Atomic uint64_t *) *lifecycle_look_again(int fd)
{
	(void)fd;
	return books_no_fds;
}

struct books *books_slow(void)
{
	return NULL;
}

struct books *books_make(void)
{
	return NULL;
}

struct cw_aside *aside_of(struct books *b, struct cw_socket *s)
{
	(void)b;
	(void)s;
	return NULL;
}

void event_add(struct books *b, enum cw_event_kind kind, uint64_t ns, int fd,
	       uint64_t entry, cw_ref site)
{
	(void)b;
	(void)kind;
	(void)ns;
	(void)site;
	assert_int_equal(fd, FD);
	assert_true(entry == FIRST);
}

bool trusts(const struct books *b, const struct cw_socket *s)
{
	(void)b;
	(void)s;
	return false;
}

cw_ref site_here(struct books *b)
{
	(void)b;
	return 77;
}

void site_stats_spin(cw_ref stats, cw_ref eof_site)
{
	(void)stats;
	(void)eof_site;
}

static const struct cw_socket opened_by_other = {
	.cookie = 2, .type = SOCK_STREAM, .domain = AF_UNIX, .fd = FD};

static int begin(void **state)
{
	(void)state;
	memset(&test, 0, sizeof(test));
	test.first = (struct cw_socket){
		.cookie = 1, .type = SOCK_STREAM, .domain = AF_UNIX, .fd = FD};
	memcpy(&test.other, &opened_by_other, sizeof(test.other));
	test.cookie = 1;
	numbers[FD] = 0;
	here.fds[0] = numbers;
	books = &here;
	return 0;
}

/* recv() on a number whose socket was not known, or that had `entry`, returned n. */
static void received(uint64_t entry, ssize_t n)
{
	numbers[FD] = entry;
	errno = ECONNRESET;
	lifecycle_read_event(
		&(struct transfer){
			.entry = entry, .asked = 1, .fd = FD, .is_socket = true},
		n);
	assert_int_equal(test.pins, 0);
}

static void assert_other_is_as_it_was(void)
{
	assert_memory_equal(&test.other, &opened_by_other, sizeof(test.other));
	assert_int_equal(test.gone_times, 0);
	assert_true(numbers[FD] == OTHER);
}

static void an_end_is_that_of_what_was_adopted(void **state)
{
	(void)state;
	received(0, 0);
	assert_true(test.first.flags & CW_SOCKET_EOF);
	assert_int_equal(test.first.eof_site, 77);
	assert_int_equal(test.gone_times, 0);
}

static void nothing_is_told_of_a_number_that_changed_hands_at_adoption(void **state)
{
	(void)state;
	test.swap = SWAP_AFTER_ADOPTION;
	received(0, 0);
	assert_int_equal(test.first.eofs, 0);
	assert_other_is_as_it_was();
}

static void nor_of_one_that_did_when_it_was_looked_up(void **state)
{
	(void)state;
	test.swap = SWAP_AFTER_LOOKUP;
	received(0, 0);
	assert_false(test.first.flags & CW_SOCKET_EOF);
	assert_other_is_as_it_was();
}

static void the_same_of_a_socket_that_was_known(void **state)
{
	static const ssize_t results[] = {0, -1};

	for (size_t i = 0; i < sizeof(results) / sizeof(*results); i++) {
		begin(state);
		test.swap = SWAP_AFTER_LOOKUP;
		received(FIRST, results[i]);
		assert_false(test.first.flags & (CW_SOCKET_EOF | CW_SOCKET_RESET));
		assert_other_is_as_it_was();
	}
}

static void a_known_one_that_was_closed_unseen_is_gone_once(void **state)
{
	(void)state;
	test.swap = SWAP_UNSEEN;
	received(FIRST, 0);
	assert_false(test.first.flags & CW_SOCKET_EOF);
	assert_true(test.gone == FIRST && test.gone_times == 1);
	assert_true(numbers[FD] == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_end_is_that_of_what_was_adopted, begin),
		cmocka_unit_test_setup(
			nothing_is_told_of_a_number_that_changed_hands_at_adoption,
			begin),
		cmocka_unit_test_setup(nor_of_one_that_did_when_it_was_looked_up, begin),
		cmocka_unit_test_setup(the_same_of_a_socket_that_was_known, begin),
		cmocka_unit_test_setup(a_known_one_that_was_closed_unseen_is_gone_once,
				       begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
