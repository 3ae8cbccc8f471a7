/* SPDX-License-Identifier: MIT */
/* Putting sockets of one cause together. */
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "build_trace.h"
#include "trace/siblings.h"
#include "trace/sort.h"
#include "unit.h"

#define PLACES          50u
#define SOCKETS         100000u
#define LOG2_OF_SOCKETS 17u

static const struct verdict_context ended = {
	.moment = BUILT_NOW, .grace = 1000000000, .slow_close = 10000000000};

static struct cw_socket *add_eof(struct built_trace *trace, cw_ref opened,
				 cw_ref eof_site, uint64_t ago)
{
	struct cw_socket *socket = build_accepted(trace, opened);

	socket->flags |= CW_SOCKET_EOF;
	socket->eof = BUILT_NOW - ago;
	socket->eof_site = eof_site;
	return socket;
}

static struct subject subject;

static struct groups grouped(const struct trace_view *view,
			     const struct built_trace *trace)
{
	struct groups groups;

	subject = (struct subject){
		.view = *view,
		.extent = trace->process,
		.process = trace_process(view, trace->process),
		.context = ended,
	};
	assert_int_equal(groups_build(&groups, &subject, 1, false), 0);
	return groups;
}

static void the_same_stack_interned_twice_is_one_cause(void **state)
{
	struct built_trace trace = build_trace(16);
	const uint64_t offsets[] = {0x10, 0x20};
	struct trace_view view;
	struct groups groups;
	cw_ref module;

	(void)state;
	build_process(&trace);
	module = build_module(&trace, "/usr/bin/server");
	add_eof(&trace, build_site(&trace, module, offsets, 2), 0, 5000000000);
	module = build_module(&trace, "/usr/bin/server");
	add_eof(&trace, build_site(&trace, module, offsets, 2), 0, 6000000000);
	add_eof(&trace, build_site(&trace, module, offsets, 1), 0, 7000000000);
	view = built_view(&trace);
	groups = grouped(&view, &trace);
	assert_int_equal(groups.run_count, 2);
	assert_int_equal(groups.runs[0].count, 2);
	assert_int_equal(groups.runs[1].count, 1);
	groups_release(&groups);
	built_trace_free(&trace);
}

static void who_was_told_went_another_way_than_who_was_not(void **state)
{
	struct built_trace trace = build_trace(16);
	const uint64_t offset = 0x10;
	struct trace_view view;
	struct groups groups;
	struct group group;
	cw_ref site;

	(void)state;
	build_process(&trace);
	site = build_site(&trace, build_module(&trace, "/usr/bin/server"), &offset, 1);
	for (uint32_t i = 0; i < 5; i++) {
		struct cw_socket *socket = build_accepted(&trace, site);

		build_tcp_look(&trace, socket, TCP_CLOSE_WAIT, 5000);
		if (i < 2)
			continue;
		socket->flags |= CW_SOCKET_TOLD;
		socket->told = cw_after_of(socket->opened, BUILT_NOW - 9000000000);
		build_aside(&trace, socket)->told_site = site;
	}
	view = built_view(&trace);
	groups = grouped(&view, &trace);
	assert_int_equal(groups.run_count, 2);
	assert_true(groups_describe(&groups, 0, &group));
	assert_int_equal(group.verdict, VERDICT_EOF_UNREAD);
	assert_int_equal(group.count, 3);
	assert_int_equal(group.oldest / 1000000000, 9);
	assert_true(groups_describe(&groups, 1, &group));
	assert_int_equal(group.count, 2);
	assert_int_equal(group.oldest / 1000000000, 5);
	groups_release(&groups);
	built_trace_free(&trace);
}

static void where_eof_was_read_tells_causes_apart(void **state)
{
	struct built_trace trace = build_trace(16);
	const uint64_t offsets[] = {0x10, 0x20};
	struct trace_view view;
	struct groups groups;
	cw_ref module, a, b;

	(void)state;
	build_process(&trace);
	module = build_module(&trace, "/usr/bin/server");
	a = build_site(&trace, module, offsets, 1);
	b = build_site(&trace, module, offsets, 2);
	add_eof(&trace, a, a, 5000000000);
	add_eof(&trace, a, b, 5000000000);
	view = built_view(&trace);
	groups = grouped(&view, &trace);
	assert_int_equal(groups.run_count, 2);
	groups_release(&groups);
	built_trace_free(&trace);
}

static void a_group_tells_its_oldest_and_newest(void **state)
{
	struct built_trace trace = build_trace(16);
	struct trace_view view;
	struct groups groups;
	struct group group;

	(void)state;
	build_process(&trace);
	add_eof(&trace, 0, 0, 5000000000);
	add_eof(&trace, 0, 0, 60000000000);
	add_eof(&trace, 0, 0, 2000000000);
	view = built_view(&trace);
	groups = grouped(&view, &trace);
	assert_true(groups_describe(&groups, 0, &group));
	assert_int_equal(group.count, 3);
	assert_int_equal(group.oldest, 60000000000);
	assert_int_equal(group.newest, 2000000000);
	assert_int_equal(group.bytes_in, 3 * 14);
	assert_int_equal(group.never_sent, 3);
	groups_release(&groups);
	built_trace_free(&trace);
}

static void young_sockets_are_counted_not_judged(void **state)
{
	struct built_trace trace = build_trace(16);
	struct trace_view view;
	struct groups groups;

	(void)state;
	build_process(&trace);
	add_eof(&trace, 0, 0, 500000000);
	view = built_view(&trace);
	groups = grouped(&view, &trace);
	assert_int_equal(groups.run_count, 0);
	assert_int_equal(groups.totals.young, 1);
	assert_int_equal(groups.totals.leaks, 0);
	groups_release(&groups);
	built_trace_free(&trace);
}

static void a_socket_replaced_after_judging_is_left_out(void **state)
{
	struct built_trace trace = build_trace(16);
	struct cw_socket *socket;
	struct trace_view view;
	struct groups groups;
	struct group group;

	(void)state;
	build_process(&trace);
	add_eof(&trace, 0, 0, 5000000000);
	socket = add_eof(&trace, 0, 0, 6000000000);
	view = built_view(&trace);
	groups = grouped(&view, &trace);
	socket->word += 1ull << 32;
	assert_true(groups_describe(&groups, 0, &group));
	assert_int_equal(group.count, 1);
	assert_int_equal(group.oldest, 5000000000);
	groups_release(&groups);
	built_trace_free(&trace);
}

/* Bounded work, not time: each stack is hashed about once, and sorting is n log n. */
static void a_hundred_thousand_sockets_are_grouped_with_little_work(void **state)
{
	struct built_trace trace = build_trace(1200);
	uint64_t offsets[16] = {0};
	cw_ref sites[PLACES];
	struct trace_view view;
	struct groups groups;
	cw_ref module;

	(void)state;
	build_process(&trace);
	module = build_module(&trace, "/usr/bin/server");
	for (uint32_t i = 0; i < PLACES; i++) {
		offsets[0] = i;
		sites[i] = build_site(&trace, module, offsets, 16);
	}
	for (uint32_t i = 0; i < SOCKETS; i++)
		add_eof(&trace, sites[i * 7919 % PLACES], sites[0],
			2000000000 + i * 104729ull % 100000 * 1000);
	view = built_view(&trace);
	groups = grouped(&view, &trace);
	assert_int_equal(groups.totals.leaks, SOCKETS);
	assert_int_equal(groups.run_count, PLACES);
	for (uint32_t i = 0; i < PLACES; i++)
		assert_int_equal(groups.runs[i].count, SOCKETS / PLACES);
	assert_true(groups.comparisons < 2ull * SOCKETS * LOG2_OF_SOCKETS + 10000);
	assert_true(groups.memo->frames <= 16 * (PLACES + SOCKETS / 100));
	groups_release(&groups);
	built_trace_free(&trace);
}

static void closers_are_merged_sorted_and_limited(void **state)
{
	struct built_trace trace = build_trace(16);
	struct siblings siblings;
	struct trace_view view;
	struct groups groups;
	cw_ref module, opened;

	(void)state;
	build_process(&trace);
	module = build_module(&trace, "/usr/bin/server");
	opened = build_site(&trace, module, (uint64_t[]){1}, 1);
	for (uint32_t n = 0; n < 3; n++) {
		struct cw_stats *stats = build_stats(&trace, opened);

		stats->opened = stats->closed = 100;
		/* The first two have their sites in common, by content. */
		for (uint32_t i = 0; i < CW_CLOSERS; i++) {
			uint64_t offset = 1000 * (n / 2) + 10 + i;

			stats->closers[i].site = build_site(&trace, module, &offset, 1);
			stats->closers[i].count = i + 1;
		}
	}
	view = built_view(&trace);
	groups = grouped(&view, &trace);
	siblings_of(&groups, &subject, opened, &siblings);
	assert_int_equal(siblings.opened, 300);
	assert_int_equal(siblings.closed, 300);
	assert_int_equal(siblings.closer_count, SIBLING_CLOSERS);
	assert_int_equal(siblings.closers[0].count, 2 * CW_CLOSERS);
	assert_int_equal(siblings.closers[11].count, 2);
	assert_int_equal(siblings.closers_more, 12 * 13 / 2);
	groups_release(&groups);
	built_trace_free(&trace);
}

/* More records of one place than a process makes: counted all, told apart the first few. */
static void closers_of_ever_more_records_are_only_counted(void **state)
{
	struct built_trace trace = build_trace(64);
	const uint32_t records = 1000;
	struct siblings siblings;
	struct trace_view view;
	struct groups groups;
	cw_ref module, opened;
	uint64_t hashed;

	(void)state;
	build_process(&trace);
	module = build_module(&trace, "/usr/bin/server");
	opened = build_site(&trace, module, (uint64_t[]){1}, 1);
	for (uint32_t n = 0; n < records; n++) {
		struct cw_stats *stats = build_stats(&trace, opened);
		uint64_t offset = 10 + n;

		stats->opened = stats->closed = 1;
		stats->closers[0].site = build_site(&trace, module, &offset, 1);
		stats->closers[0].count = 1;
	}
	view = built_view(&trace);
	groups = grouped(&view, &trace);
	siblings_of(&groups, &subject, opened, &siblings);
	hashed = groups.memo->frames;
	siblings_of(&groups, &subject, opened, &siblings);
	assert_int_equal(siblings.opened, records);
	assert_int_equal(siblings.closed, records);
	assert_int_equal(siblings.closer_count, SIBLING_CLOSERS);
	assert_int_equal(siblings.closers_more, records - SIBLING_CLOSERS);
	assert_true(hashed < 100);
	assert_int_equal(groups.memo->frames, hashed);
	groups_release(&groups);
	built_trace_free(&trace);
}

static void the_ends_of_long_paths_tell_stacks_apart(void **state)
{
	struct built_trace trace = build_trace(16);
	static struct stack_memo memo;
	char path[400];
	uint64_t hashes[3];
	struct trace_view view;

	(void)state;
	build_process(&trace);
	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	for (int i = 0; i < 3; i++) {
		cw_ref module;

		path[sizeof(path) - 2] = "abb"[i];
		module = build_module(&trace, i == 2 ? path + 1 : path);
		view = built_view(&trace);
		hashes[i] = stack_hash(&memo, &view,
				       build_site(&trace, module, (uint64_t[]){1}, 1));
	}
	assert_true(hashes[0] != hashes[1] && hashes[1] != hashes[2]);
	built_trace_free(&trace);
}

static void what_only_the_exit_closed_is_not_among_the_closed(void **state)
{
	struct built_trace trace = build_trace(16);
	struct cw_process *process = build_process(&trace);
	cw_ref module = build_module(&trace, "/usr/bin/server");
	cw_ref opened = build_site(&trace, module, (uint64_t[]){1}, 1);
	cw_ref closed = build_site(&trace, module, (uint64_t[]){2}, 1);
	struct cw_socket *socket = add_eof(&trace, opened, 0, 60000000000);
	struct cw_stats *stats = build_stats(&trace, opened);
	struct siblings siblings;
	struct trace_view view;
	struct groups groups;

	(void)state;
	socket->flags |= CW_SOCKET_LATE | CW_SOCKET_SLOW;
	socket->closed = cw_after_of(socket->opened, BUILT_NOW - 1000);
	build_aside(&trace, socket)->close_site = closed;
	process->late[0] = built_ref(&trace, socket);
	stats->opened = stats->closed = stats->slow = 1;
	stats->closers[0].site = closed;
	stats->closers[0].count = 1;
	view = built_view(&trace);
	groups = grouped(&view, &trace);
	assert_int_equal(groups.totals.leaked_by_exit, 1);
	siblings_of(&groups, &subject, opened, &siblings);
	assert_int_equal(siblings.closed, 0);
	assert_int_equal(siblings.closer_count, 0);
	groups_release(&groups);
	built_trace_free(&trace);
}

static void every_place_is_told_once(void **state)
{
	struct built_trace trace = build_trace(16);
	cw_ref module = (build_process(&trace), build_module(&trace, "/usr/bin/server"));
	uint64_t opened[3] = {0};
	struct siblings siblings;
	struct trace_view view;
	struct groups groups;
	uint32_t next = 0;

	(void)state;
	/* Three places, each with a record for its stack and one for a copy of that. */
	for (uint64_t i = 0; i < 6; i++) {
		cw_ref site = build_site(&trace, module, (uint64_t[]){1 + i % 3}, 1);
		struct cw_stats *stats = build_stats(&trace, site);

		stats->opened = 1 + i % 3;
	}
	view = built_view(&trace);
	groups = grouped(&view, &trace);
	while (siblings_next(&groups, &next, &siblings)) {
		assert_in_range(siblings.opened, 2, 6);
		opened[siblings.opened / 2 - 1]++;
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(opened[i], 1);
	groups_release(&groups);
	built_trace_free(&trace);
}

/* A forked worker holds its parent's listener: one socket, and one is counted. */
static void a_listener_that_a_child_inherited_is_counted_once(void **state)
{
	struct built_trace trace = build_trace(32);
	struct subject subjects[2];
	struct trace_view view;
	struct groups groups;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct cw_process *process = build_process(&trace);
		struct cw_socket *socket = build_socket(&trace);

		socket->cookie = 0xec17;
		socket->flags = CW_SOCKET_LISTENING;
		socket->origin = i ? CW_ORIGIN_INHERITED : CW_ORIGIN_SOCKET;
		subjects[i] = (struct subject){
			.extent = trace.process, .process = process, .context = ended};
	}
	view = built_view(&trace);
	subjects[0].view = subjects[1].view = view;
	assert_int_equal(groups_build(&groups, subjects, 2, true), 0);
	assert_int_equal(groups.item_count, 1);
	assert_int_equal(groups.totals.by_verdict[VERDICT_OPEN], 1);
	assert_int_equal(groups.totals.listening, 1);
	groups_suppress(&groups, 0);
	assert_int_equal(groups.totals.by_verdict[VERDICT_OPEN], 0);
	assert_int_equal(groups.totals.listening, 0);
	groups_release(&groups);
	built_trace_free(&trace);
}

static int compare_ints(const void *left, const void *right, const void *context)
{
	const int *a = left;
	const int *b = right;

	(void)context;
	return (*a > *b) - (*a < *b);
}

static void sorting_every_small_order(void **state)
{
	(void)state;
	for (int n = 0; n <= 6; n++) {
		for (int code = 0; code < 46656; code++) {
			int values[6];
			int rest = code;

			for (int i = 0; i < n; i++, rest /= 6)
				values[i] = rest % 6;
			sort_heap(values, (size_t)n, sizeof(*values), compare_ints, NULL);
			for (int i = 1; i < n; i++)
				assert_true(values[i - 1] <= values[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_stack_interned_twice_is_one_cause),
		cmocka_unit_test(who_was_told_went_another_way_than_who_was_not),
		cmocka_unit_test(where_eof_was_read_tells_causes_apart),
		cmocka_unit_test(a_group_tells_its_oldest_and_newest),
		cmocka_unit_test(young_sockets_are_counted_not_judged),
		cmocka_unit_test(a_socket_replaced_after_judging_is_left_out),
		cmocka_unit_test(a_hundred_thousand_sockets_are_grouped_with_little_work),
		cmocka_unit_test(closers_are_merged_sorted_and_limited),
		cmocka_unit_test(closers_of_ever_more_records_are_only_counted),
		cmocka_unit_test(the_ends_of_long_paths_tell_stacks_apart),
		cmocka_unit_test(what_only_the_exit_closed_is_not_among_the_closed),
		cmocka_unit_test(every_place_is_told_once),
		cmocka_unit_test(a_listener_that_a_child_inherited_is_counted_once),
		cmocka_unit_test(sorting_every_small_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
