/* SPDX-License-Identifier: MIT */
/* The way of a socket through the processes of a session, put together from their records. */
#include <string.h>

#include "build_trace.h"
#include "trace/history.h"
#include "unit.h"

#define COOKIE 0x1234u

static cw_ref place(struct built_trace *trace, uint64_t offset)
{
	return build_site(trace, build_module(trace, "/usr/bin/server"), &offset, 1);
}

static struct cw_process *add_process(struct built_trace *trace, uint32_t pid,
				      uint64_t started)
{
	struct cw_process *process = build_process(trace);

	process->pid = pid;
	process->started = started;
	return process;
}

static struct cw_socket *add_socket(struct built_trace *trace, uint8_t origin,
				    uint64_t offset)
{
	struct cw_socket *socket = build_accepted(trace, place(trace, offset));

	socket->cookie = COOKIE;
	socket->origin = origin;
	return socket;
}

/* Checks one step after the other. */
static void expect(const struct histories *history, uint32_t *at, uint32_t pid,
		   enum history_what what)
{
	assert_int_equal(history->steps[*at].pid, pid);
	assert_int_equal(history->steps[*at].what, what);
	++*at;
}

static void steps_come_in_the_order_of_the_processes(void **state)
{
	struct built_trace trace = build_trace(32);
	struct trace_view view = built_view(&trace);
	const struct trace_view *views[] = {&view};
	struct histories history;
	uint32_t first;

	(void)state;
	add_process(&trace, 20, BUILT_START + 2);
	add_socket(&trace, CW_ORIGIN_RECEIVED, 0x20);
	add_process(&trace, 10, BUILT_START + 1)->state = CW_PROCESS_CLEAN;
	add_socket(&trace, CW_ORIGIN_ACCEPT, 0x10);
	add_process(&trace, 30, BUILT_START + 3)->state = CW_PROCESS_NONE;
	add_socket(&trace, CW_ORIGIN_ACCEPT, 0x30);

	assert_int_equal(history_build(&history, views, 1), 0);
	assert_int_equal(history_of(&history, COOKIE, &first), 2);
	expect(&history, &first, 10, HISTORY_OPENED);
	expect(&history, &first, 20, HISTORY_RECEIVED);
	assert_int_equal(history_of(&history, COOKIE + 1, &first), 0);
	assert_int_equal(history_of(&history, 0, &first), 0);
	history_release(&history);
	built_trace_free(&trace);
}

/* What a fork child inherited is its parent's to tell, unless the parent has forgotten it and the
 * child handed it on by exec. */
static void a_copy_tells_only_what_nobody_else_does(void **state)
{
	struct built_trace trace = build_trace(32);
	struct trace_view view = built_view(&trace);
	const struct trace_view *views[] = {&view};
	struct cw_process *child;
	struct cw_socket *socket;
	struct histories history;
	uint32_t first;

	(void)state;
	add_process(&trace, 10, BUILT_START + 1);
	socket = add_socket(&trace, CW_ORIGIN_ACCEPT, 0x10);
	child = add_process(&trace, 20, BUILT_START + 2);
	add_socket(&trace, CW_ORIGIN_INHERITED, 0x10);

	assert_int_equal(history_build(&history, views, 1), 0);
	assert_int_equal(history_of(&history, COOKIE, &first), 1);
	history_release(&history);

	child->ended_by = CW_END_EXEC;
	assert_int_equal(history_build(&history, views, 1), 0);
	assert_int_equal(history_of(&history, COOKIE, &first), 1);
	expect(&history, &first, 10, HISTORY_OPENED);
	history_release(&history);

	socket->word = 0;
	assert_int_equal(history_build(&history, views, 1), 0);
	assert_int_equal(history_of(&history, COOKIE, &first), 1);
	expect(&history, &first, 20, HISTORY_INHERITED);
	history_release(&history);
	built_trace_free(&trace);
}

static void what_was_passed_on_outlives_its_record(void **state)
{
	struct built_trace trace = build_trace(32);
	struct trace_view view = built_view(&trace);
	const struct trace_view *views[] = {&view};
	struct cw_extent *extents =
		(struct cw_extent *)(trace.bytes + CW_EXTENT_TABLE_OFFSET);
	struct cw_passed *passed;
	struct histories history;
	uint32_t first, extent;

	(void)state;
	add_process(&trace, 10, BUILT_START + 1);
	place(&trace, 0x10);
	extent = trace.next++;
	extents[extent].tag = (uint32_t)CW_EXTENT_PASSED << 24 | trace.process;
	passed = (struct cw_passed *)(trace.bytes + (size_t)extent * CW_EXTENT_SIZE);
	for (uint32_t i = 0; i < 2; i++) {
		passed[i].cookie = COOKIE;
		passed[i].ns = BUILT_START + 10 + i;
		passed[i].sent_site = 100 + i;
		passed[i].open_site = 200;
		passed[i].origin = CW_ORIGIN_ACCEPT;
	}

	assert_int_equal(history_build(&history, views, 1), 0);
	assert_int_equal(history_of(&history, COOKIE, &first), 2);
	assert_int_equal(history.steps[first].site, 200);
	assert_int_equal(history.steps[first + 1].site, 101); /* the last time */
	expect(&history, &first, 10, HISTORY_OPENED);
	expect(&history, &first, 10, HISTORY_PASSED_ON);
	history_release(&history);
	built_trace_free(&trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_come_in_the_order_of_the_processes),
		cmocka_unit_test(a_copy_tells_only_what_nobody_else_does),
		cmocka_unit_test(what_was_passed_on_outlives_its_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
