/* SPDX-License-Identifier: MIT */
/* The rules of the verdicts, one a row (verdict_rows_*.c). */
#include <string.h>

#include "verdict_row.h"

static uint64_t ago(uint64_t ns)
{
	return ns ? NOW - ns : 0;
}

static cw_after after(uint64_t opened, uint64_t ns_ago)
{
	return ns_ago ? cw_after_of(opened, ago(ns_ago)) : 0;
}

static struct cw_socket socket_of(const struct row *row)
{
	uint64_t opened = NOW - (row->opened ? row->opened : 120 * S);
	struct cw_socket socket = {
		.word = 1ull << 32 | !row->no_refs,
		.opened = opened,
		.eof = ago(row->eof),
		.reset = after(opened, row->reset),
		.told = after(opened, row->told),
		.moved = after(opened, row->moved),
		.closed = after(opened, row->closed),
		.bytes_in = row->in,
		.bytes_out = row->out,
		.heirs = row->has_heirs ? cw_heirs_word(1, CW_NO_HEIR) : 0,
		.flags = row->flags | (row->not_connected ? 0 : CW_SOCKET_CONNECTED),
		.origin = row->origin ? row->origin : CW_ORIGIN_ACCEPT,
		.domain = row->domain ? row->domain : AF_INET,
		.type = row->type ? row->type : SOCK_STREAM,
	};

	return socket;
}

static struct cw_look look_of(const struct row *row)
{
	struct cw_look look = {
		.taken = NOW + row->looked_later,
		.flags = row->look_flags | (row->state > 0 ? CW_LOOK_TCP : 0),
		.state = row->state > 0 ? (uint32_t)row->state : 0,
		.unsent = row->unsent,
		.unread = row->unread,
		.bytes_received = row->received,
		.bytes_acked = row->acked,
		.last_ack_recv = row->ack_ms,
		.left_ago = row->left_ms,
		.last_data_recv = row->recv_ms,
		.last_data_sent = row->sent_ms ? row->sent_ms : 100000,
	};

	return look;
}

static void gives_its_verdict(const struct row *row)
{
	struct cw_socket socket = socket_of(row);
	struct cw_look look = look_of(row);
	struct verdict_context context = {
		.moment = NOW,
		.grace = S,
		.slow_close = 10 * S,
		.alive = row->when == ALIVE,
		.uring = row->uring,
		.orderly = row->orderly,
		.watched = row->when == KILLED_WATCHED ? NOW + S : 0,
		.killed = row->when == KILLED || row->when == KILLED_THEN ||
			  row->when == KILLED_WATCHED,
		.dated = row->when == KILLED_THEN,
	};
	struct verdict_detail detail;
	enum verdict verdict =
		verdict_of(&socket, row->state ? &look : NULL, &context, &detail);

	if (verdict != row->verdict || detail.leak != row->leak ||
	    detail.young != row->young || detail.closed_by_exit != row->by_exit)
		fail_msg("%s: %s%s%s%s", row->what, verdict_name(verdict),
			 detail.leak ? ", leak" : "", detail.young ? ", young" : "",
			 detail.closed_by_exit ? ", by exit" : "");
	if (row->bound &&
	    (detail.bound != row->bound || detail.dwell / 1000 != row->dwell / 1000))
		fail_msg("%s: bound %d, dwell %llu", row->what, detail.bound,
			 (unsigned long long)detail.dwell);
}

static void each_rule_gives_its_verdict(void **state)
{
	static const struct table *const tables[] = {&table_state, &table_eof,
						     &table_told,  &table_unix,
						     &table_end,   &table_unseen};

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (size_t j = 0; j < tables[i]->count; j++)
			gives_its_verdict(&tables[i]->rows[j]);
}

static void every_verdict_has_a_name_and_help(void **state)
{
	(void)state;
	for (int i = 0; i < VERDICT_CLOSED; i++) {
		assert_true(strlen(verdict_name((enum verdict)i)) > 0);
		assert_true(strlen(verdict_help((enum verdict)i, false)) > 0);
		assert_true(strlen(verdict_help((enum verdict)i, true)) > 0);
	}
}

/* Never earlier than it was, and at most a millisecond later, or a second from 24 days on. */
static void a_moment_after_opening_is_told_back(void **state)
{
	static const uint64_t since[] = {0,
					 1,
					 999999,
					 S,
					 3600 * S,
					 2147483647ull * 1000000,
					 1ull << 51,
					 10ull * 365 * 86400 * S,
					 60ull * 365 * 86400 * S};
	const uint64_t opened = 7 * S + 3;

	(void)state;
	assert_int_equal(cw_after_ns(opened, 0), 0);
	for (size_t i = 0; i < sizeof(since) / sizeof(*since); i++) {
		cw_after after = cw_after_of(opened, opened + since[i]);
		uint64_t told = cw_after_ns(opened, after) - opened;

		assert_int_not_equal(after, 0);
		assert_true(told >= since[i]);
		assert_true(told - since[i] <= (after < CW_AFTER_COARSE ? 1000000 : S));
	}
	assert_int_equal(cw_after_of(opened, opened - 1), 1);
	assert_int_equal(cw_after_of(0, UINT64_MAX), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_gives_its_verdict),
		cmocka_unit_test(a_moment_after_opening_is_told_back),
		cmocka_unit_test(every_verdict_has_a_name_and_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
