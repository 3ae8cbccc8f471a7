/* SPDX-License-Identifier: MIT */
/* What is told of several processes, of one trace or of two. */
#include <netinet/tcp.h>

#include "build_trace.h"
#include "trace/findings.h"
#include "unit.h"

static const struct report_options ordinary = {.now = BUILT_NOW};

static struct cw_socket *add_eof(struct built_trace *trace, cw_ref opened,
				 uint64_t cookie)
{
	struct cw_socket *socket = build_accepted(trace, opened);

	socket->flags |= CW_SOCKET_EOF;
	socket->eof = BUILT_NOW - 5000000000;
	socket->eof_site = opened;
	socket->cookie = cookie;
	return socket;
}

/* The child's copy of what its parent accepted: it has read nothing of it. */
static void add_inherited(struct built_trace *trace, cw_ref opened, uint64_t cookie)
{
	struct cw_socket *socket = build_accepted(trace, opened);

	socket->origin = CW_ORIGIN_INHERITED;
	socket->flags |= CW_SOCKET_TOUCHED;
	socket->cookie = cookie;
	build_tcp_look(trace, socket, TCP_CLOSE_WAIT, 5000);
}

static cw_ref place(struct built_trace *trace)
{
	const uint64_t offsets[] = {0x10, 0x20};

	return build_site(trace, build_module(trace, "/usr/bin/server"), offsets, 2);
}

static struct findings found(const struct trace_view *view)
{
	struct report_process processes[8];
	uint32_t count = report_processes(view, processes, 8);
	struct findings findings;

	assert_int_equal(findings_build(&findings, processes, count, &ordinary), 0);
	return findings;
}

static void a_socket_of_parent_and_child_is_one_finding(void **state)
{
	struct built_trace trace = build_trace(32);
	struct trace_view view;
	struct findings findings;
	struct group group;
	uint32_t first;

	(void)state;
	build_process(&trace);
	add_eof(&trace, place(&trace), 0x77);
	build_process(&trace)->pid = 6121;
	add_inherited(&trace, place(&trace), 0x77);
	view = built_view(&trace);
	findings = found(&view);
	assert_int_equal(findings.groups.totals.leaks, 1);
	assert_int_equal(findings.places, 1);
	assert_true(groups_describe(&findings.groups, 0, &group));
	assert_int_equal(group.verdict, VERDICT_EOF_IGNORED);
	assert_int_equal(group.subject->process->pid, 6120);
	assert_int_equal(groups_holders(&findings.groups, 0x77, &first), 2);
	assert_int_equal(groups_holders(&findings.groups, 0x78, &first), 0);
	findings_release(&findings);
	built_trace_free(&trace);
}

static void sockets_without_a_cookie_are_never_one(void **state)
{
	struct built_trace trace = build_trace(32);
	struct trace_view view;
	struct findings findings;

	(void)state;
	build_process(&trace);
	add_eof(&trace, place(&trace), 0);
	build_process(&trace);
	add_eof(&trace, place(&trace), 0);
	view = built_view(&trace);
	findings = found(&view);
	assert_int_equal(findings.groups.totals.leaks, 2);
	assert_int_equal(findings.places, 1);
	assert_int_equal(findings.speaking, 2);
	findings_release(&findings);
	built_trace_free(&trace);
}

static void one_cause_in_two_traces_is_one_place(void **state)
{
	struct built_trace traces[] = {build_trace(32), build_trace(32)};
	struct trace_view views[2];
	struct report_process processes[2];
	struct findings findings;

	(void)state;
	for (int i = 0; i < 2; i++) {
		build_process(&traces[i]);
		/* References that differ from trace to trace. */
		for (int n = 0; n <= i; n++)
			build_string(&traces[i], "padding");
		add_eof(&traces[i], place(&traces[i]), 0x100u + (unsigned)i);
		views[i] = built_view(&traces[i]);
		assert_int_equal(report_processes(&views[i], &processes[i], 1), 1);
	}
	assert_int_equal(findings_build(&findings, processes, 2, &ordinary), 0);
	assert_int_equal(findings.groups.totals.leaks, 2);
	assert_int_equal(findings.places, 1);
	findings_release(&findings);
	for (int i = 0; i < 2; i++)
		built_trace_free(&traces[i]);
}

static void what_is_suppressed_counts_nowhere(void **state)
{
	struct built_trace trace = build_trace(32);
	struct trace_view view;
	struct findings findings;

	(void)state;
	build_process(&trace);
	add_eof(&trace, place(&trace), 1);
	view = built_view(&trace);
	findings = found(&view);
	assert_int_equal(findings_count(&findings), 1);
	groups_suppress(&findings.groups, 0);
	groups_suppress(&findings.groups, 0);
	findings_recount(&findings);
	assert_int_equal(findings.groups.totals.leaks, 0);
	assert_int_equal(findings.places, 0);
	assert_int_equal(findings.speaking, 0);
	assert_int_equal(findings_count(&findings), 0);
	findings_release(&findings);
	built_trace_free(&trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_of_parent_and_child_is_one_finding),
		cmocka_unit_test(sockets_without_a_cookie_are_never_one),
		cmocka_unit_test(one_cause_in_two_traces_is_one_place),
		cmocka_unit_test(what_is_suppressed_counts_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
