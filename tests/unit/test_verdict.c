/* SPDX-License-Identifier: MIT */
/* The rules of the verdicts, one a row. */
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "trace/verdict.h"
#include "unit.h"

#define S   1000000000ull
#define NOW (200 * S)

enum when {
	ENDED,
	ALIVE,
	KILLED,
};

/* What is not given is: an accepted, connected TCP socket opened 120 s ago by a process that
 * has ended. Times are ns ago, 0 for never; `state` 0 for no look, -1 for a poll look. */
struct row {
	const char *what;
	enum verdict verdict;
	bool leak;
	enum dwell_bound bound;
	uint64_t dwell;
	bool young;
	bool by_exit;
	uint32_t flags;
	enum when when;
	uint8_t origin, domain, type;
	uint64_t opened, eof, reset, moved, closed;
	uint64_t in, out;
	int state;
	uint32_t look_flags, unsent;
	uint64_t acked;
	uint32_t ack_ms, recv_ms, sent_ms;
	bool no_refs, not_connected;
};

static const struct row rows[] = {
	{.what = "a datagram socket", .verdict = VERDICT_OPEN, .type = SOCK_DGRAM},
	{.what = "a netlink socket", .verdict = VERDICT_OPEN, .domain = AF_NETLINK},
	{.what = "a listener",
	 .verdict = VERDICT_OPEN,
	 .flags = CW_SOCKET_LISTENING,
	 .state = TCP_LISTEN},
	{.what = "never connected",
	 .verdict = VERDICT_OPEN,
	 .not_connected = true,
	 .state = TCP_CLOSE},
	{.what = "connecting",
	 .verdict = VERDICT_OPEN,
	 .not_connected = true,
	 .flags = CW_SOCKET_CONNECTING,
	 .state = TCP_SYN_SENT},
	{.what = "connecting, the kernel knows better",
	 .verdict = VERDICT_EOF_UNREAD,
	 .leak = true,
	 .bound = DWELL_AT_LEAST,
	 .dwell = 5 * S,
	 .not_connected = true,
	 .flags = CW_SOCKET_CONNECTING,
	 .state = TCP_CLOSE_WAIT,
	 .ack_ms = 5000,
	 .recv_ms = 6000},
	{.what = "a record without references",
	 .verdict = VERDICT_CLOSED,
	 .no_refs = true,
	 .flags = CW_SOCKET_EOF,
	 .eof = 5 * S},
	{.what = "inherited and not touched",
	 .verdict = VERDICT_OPEN,
	 .origin = CW_ORIGIN_INHERITED,
	 .flags = CW_SOCKET_EOF,
	 .eof = 5 * S,
	 .state = TCP_CLOSE_WAIT},
	{.what = "inherited and touched",
	 .verdict = VERDICT_EOF_IGNORED,
	 .leak = true,
	 .bound = DWELL_EXACT,
	 .dwell = 5 * S,
	 .origin = CW_ORIGIN_INHERITED,
	 .flags = CW_SOCKET_EOF | CW_SOCKET_TOUCHED,
	 .eof = 5 * S,
	 .state = TCP_CLOSE_WAIT},
	{.what = "gone out of sight",
	 .verdict = VERDICT_GONE,
	 .flags = CW_SOCKET_EOF,
	 .eof = 5 * S,
	 .state = -1,
	 .look_flags = CW_LOOK_GONE},
	{.what = "established", .verdict = VERDICT_OPEN, .state = TCP_ESTABLISHED},

	{.what = "EOF read",
	 .verdict = VERDICT_EOF_IGNORED,
	 .leak = true,
	 .bound = DWELL_EXACT,
	 .dwell = 7 * S,
	 .flags = CW_SOCKET_EOF,
	 .eof = 7 * S,
	 .state = TCP_CLOSE_WAIT},
	{.what = "EOF read a moment ago",
	 .verdict = VERDICT_EOF_IGNORED,
	 .young = true,
	 .bound = DWELL_EXACT,
	 .dwell = S / 2,
	 .flags = CW_SOCKET_EOF,
	 .eof = S / 2,
	 .state = TCP_CLOSE_WAIT},
	{.what = "EOF read where another process shut down the reading side",
	 .verdict = VERDICT_OPEN,
	 .flags = CW_SOCKET_EOF,
	 .eof = 7 * S,
	 .state = TCP_ESTABLISHED},
	{.what = "EOF read, then reset",
	 .verdict = VERDICT_EOF_IGNORED,
	 .leak = true,
	 .bound = DWELL_EXACT,
	 .dwell = 7 * S,
	 .flags = CW_SOCKET_EOF | CW_SOCKET_RESET,
	 .eof = 7 * S,
	 .reset = 6 * S,
	 .state = TCP_CLOSE},
	{.what = "EOF read, then written to a dead connection",
	 .verdict = VERDICT_EOF_IGNORED,
	 .leak = true,
	 .bound = DWELL_EXACT,
	 .dwell = 7 * S,
	 .flags = CW_SOCKET_EOF | CW_SOCKET_WROTE_AFTER_EOF,
	 .eof = 7 * S,
	 .moved = 6 * S,
	 .state = TCP_CLOSE,
	 .sent_ms = 6000},
	{.what = "EOF read by a killed process",
	 .verdict = VERDICT_EOF_IGNORED,
	 .leak = true,
	 .bound = DWELL_AT_LEAST,
	 .dwell = 7 * S,
	 .when = KILLED,
	 .flags = CW_SOCKET_EOF,
	 .eof = 7 * S},
	{.what = "EOF was the last thing a killed process did",
	 .verdict = VERDICT_EOF_IGNORED,
	 .leak = true,
	 .bound = DWELL_AT_LEAST,
	 .dwell = 0,
	 .when = KILLED,
	 .flags = CW_SOCKET_EOF,
	 .eof = 1},

	{.what = "still sending after EOF",
	 .verdict = VERDICT_HALF_CLOSED,
	 .bound = DWELL_EXACT,
	 .dwell = 60 * S,
	 .flags = CW_SOCKET_EOF | CW_SOCKET_WROTE_AFTER_EOF,
	 .eof = 60 * S,
	 .moved = S,
	 .state = TCP_CLOSE_WAIT,
	 .sent_ms = 1000},
	{.what = "sent after EOF, long ago",
	 .verdict = VERDICT_HALF_CLOSED,
	 .leak = true,
	 .bound = DWELL_EXACT,
	 .dwell = 60 * S,
	 .flags = CW_SOCKET_EOF | CW_SOCKET_WROTE_AFTER_EOF,
	 .eof = 60 * S,
	 .moved = 50 * S,
	 .state = TCP_CLOSE_WAIT,
	 .sent_ms = 50000},
	{.what = "bytes queued at EOF, the peer takes them",
	 .verdict = VERDICT_HALF_CLOSED,
	 .bound = DWELL_EXACT,
	 .dwell = 60 * S,
	 .flags = CW_SOCKET_EOF,
	 .eof = 60 * S,
	 .unsent = 4096,
	 .state = TCP_CLOSE_WAIT,
	 .sent_ms = 50000,
	 .ack_ms = 2000},
	{.what = "bytes queued at EOF, nobody takes them",
	 .verdict = VERDICT_HALF_CLOSED,
	 .leak = true,
	 .bound = DWELL_EXACT,
	 .dwell = 60 * S,
	 .flags = CW_SOCKET_EOF,
	 .eof = 60 * S,
	 .unsent = 4096,
	 .state = TCP_CLOSE_WAIT,
	 .sent_ms = 50000,
	 .ack_ms = 50000},

	{.what = "sent after EOF where no hook saw it",
	 .verdict = VERDICT_HALF_CLOSED,
	 .bound = DWELL_EXACT,
	 .dwell = 60 * S,
	 .flags = CW_SOCKET_EOF,
	 .eof = 60 * S,
	 .out = 10,
	 .acked = 10 + 3,
	 .state = TCP_CLOSE_WAIT,
	 .sent_ms = 2000},
	{.what = "sent after EOF where no hook saw it, long ago",
	 .verdict = VERDICT_HALF_CLOSED,
	 .leak = true,
	 .bound = DWELL_EXACT,
	 .dwell = 60 * S,
	 .flags = CW_SOCKET_EOF,
	 .eof = 60 * S,
	 .out = 10,
	 .acked = 10 + 3,
	 .state = TCP_CLOSE_WAIT,
	 .sent_ms = 50000},
	{.what = "sent where no hook saw it, before EOF",
	 .verdict = VERDICT_EOF_IGNORED,
	 .leak = true,
	 .bound = DWELL_EXACT,
	 .dwell = 60 * S,
	 .flags = CW_SOCKET_EOF,
	 .eof = 60 * S,
	 .acked = 4096,
	 .state = TCP_CLOSE_WAIT,
	 .sent_ms = 60100},
	{.what = "the kernel counts a SYN and a FIN",
	 .verdict = VERDICT_EOF_IGNORED,
	 .leak = true,
	 .bound = DWELL_EXACT,
	 .dwell = 5 * S,
	 .flags = CW_SOCKET_EOF,
	 .eof = 5 * S,
	 .out = 10,
	 .acked = 10 + 2,
	 .state = TCP_CLOSE_WAIT,
	 .sent_ms = 5000},
	{.what = "who inherited a connection knows not what was sent before",
	 .verdict = VERDICT_EOF_IGNORED,
	 .leak = true,
	 .bound = DWELL_EXACT,
	 .dwell = 5 * S,
	 .origin = CW_ORIGIN_INHERITED,
	 .flags = CW_SOCKET_EOF | CW_SOCKET_TOUCHED,
	 .eof = 5 * S,
	 .acked = 4096,
	 .state = TCP_CLOSE_WAIT,
	 .sent_ms = 1000},

	{.what = "in CLOSE_WAIT, EOF not read",
	 .verdict = VERDICT_EOF_UNREAD,
	 .leak = true,
	 .bound = DWELL_AT_LEAST,
	 .dwell = 5 * S,
	 .state = TCP_CLOSE_WAIT,
	 .ack_ms = 5000,
	 .recv_ms = 6000},
	{.what = "keepalives leave a lower bound below grace",
	 .verdict = VERDICT_EOF_UNREAD,
	 .young = true,
	 .bound = DWELL_AT_LEAST,
	 .dwell = S / 2,
	 .state = TCP_CLOSE_WAIT,
	 .ack_ms = 500,
	 .recv_ms = 90000},
	{.what = "never larger than the socket's age",
	 .verdict = VERDICT_EOF_UNREAD,
	 .leak = true,
	 .bound = DWELL_AT_LEAST,
	 .dwell = 3 * S,
	 .opened = 3 * S,
	 .state = TCP_CLOSE_WAIT,
	 .ack_ms = 4000000,
	 .recv_ms = 4000000},
	{.what = "an idle client",
	 .verdict = VERDICT_IDLE_CLIENT,
	 .bound = DWELL_AT_LEAST,
	 .dwell = 5 * S,
	 .origin = CW_ORIGIN_CONNECT,
	 .in = 10,
	 .out = 10,
	 .state = TCP_CLOSE_WAIT,
	 .ack_ms = 5000,
	 .recv_ms = 5000},
	{.what = "a client that never got an answer",
	 .verdict = VERDICT_EOF_UNREAD,
	 .leak = true,
	 .bound = DWELL_AT_LEAST,
	 .dwell = 5 * S,
	 .origin = CW_ORIGIN_CONNECT,
	 .out = 10,
	 .state = TCP_CLOSE_WAIT,
	 .ack_ms = 5000,
	 .recv_ms = 5000},
	{.what = "a client that read the EOF",
	 .verdict = VERDICT_EOF_IGNORED,
	 .leak = true,
	 .bound = DWELL_EXACT,
	 .dwell = 5 * S,
	 .origin = CW_ORIGIN_CONNECT,
	 .in = 10,
	 .out = 10,
	 .flags = CW_SOCKET_EOF,
	 .eof = 5 * S,
	 .state = TCP_CLOSE_WAIT},

	{.what = "a call failed with ECONNRESET",
	 .verdict = VERDICT_RESET_IGNORED,
	 .leak = true,
	 .bound = DWELL_EXACT,
	 .dwell = 4 * S,
	 .flags = CW_SOCKET_RESET,
	 .reset = 4 * S,
	 .state = TCP_CLOSE},
	{.what = "a connect() that did not wait succeeded, then came a reset",
	 .verdict = VERDICT_RESET_IGNORED,
	 .leak = true,
	 .bound = DWELL_AT_MOST,
	 .dwell = 9 * S,
	 .not_connected = true,
	 .flags = CW_SOCKET_CONNECTING,
	 .acked = 1,
	 .state = TCP_CLOSE,
	 .ack_ms = 9000,
	 .recv_ms = 9000},
	{.what = "a connect() that did not wait failed",
	 .verdict = VERDICT_OPEN,
	 .not_connected = true,
	 .flags = CW_SOCKET_CONNECTING,
	 .state = TCP_CLOSE,
	 .ack_ms = 9000,
	 .recv_ms = 9000},
	{.what = "reset before EOF",
	 .verdict = VERDICT_RESET_IGNORED,
	 .leak = true,
	 .bound = DWELL_EXACT,
	 .dwell = 7 * S,
	 .flags = CW_SOCKET_RESET | CW_SOCKET_EOF,
	 .reset = 7 * S,
	 .eof = 6 * S,
	 .state = TCP_CLOSE},
	{.what = "the kernel alone knows of the reset",
	 .verdict = VERDICT_RESET_IGNORED,
	 .leak = true,
	 .bound = DWELL_AT_MOST,
	 .dwell = 9 * S,
	 .state = TCP_CLOSE,
	 .ack_ms = 9000,
	 .recv_ms = 9000},

	{.what = "both directions by ourselves",
	 .verdict = VERDICT_SHUTDOWN_UNCLOSED,
	 .leak = true,
	 .bound = DWELL_AT_LEAST,
	 .dwell = 5 * S,
	 .flags = CW_SOCKET_SHUT_RD | CW_SOCKET_SHUT_WR,
	 .state = TCP_FIN_WAIT2,
	 .ack_ms = 5000,
	 .recv_ms = 5000},
	{.what = "our FIN and then the peer's",
	 .verdict = VERDICT_SHUTDOWN_UNCLOSED,
	 .leak = true,
	 .bound = DWELL_AT_LEAST,
	 .dwell = 5 * S,
	 .flags = CW_SOCKET_SHUT_WR,
	 .state = TCP_CLOSE,
	 .ack_ms = 5000,
	 .recv_ms = 5000},
	{.what = "EOF read, then shut down",
	 .verdict = VERDICT_SHUTDOWN_UNCLOSED,
	 .leak = true,
	 .bound = DWELL_AT_MOST,
	 .dwell = 6 * S,
	 .flags = CW_SOCKET_SHUT_WR | CW_SOCKET_EOF,
	 .eof = 6 * S,
	 .state = TCP_LAST_ACK},
	{.what = "our FIN, none from the peer",
	 .verdict = VERDICT_OPEN,
	 .flags = CW_SOCKET_SHUT_WR,
	 .state = TCP_FIN_WAIT2},
	{.what = "only our reading side",
	 .verdict = VERDICT_OPEN,
	 .flags = CW_SOCKET_SHUT_RD,
	 .state = TCP_ESTABLISHED},

	{.what = "a UNIX peer that hung up",
	 .verdict = VERDICT_EOF_UNREAD,
	 .leak = true,
	 .bound = DWELL_AT_MOST,
	 .dwell = 120 * S,
	 .domain = AF_UNIX,
	 .state = -1,
	 .look_flags = CW_LOOK_HUP | CW_LOOK_RDHUP},
	{.what = "a UNIX peer that is there",
	 .verdict = VERDICT_OPEN,
	 .domain = AF_UNIX,
	 .state = -1},
	{.what = "UNIX, RDHUP by ourselves",
	 .verdict = VERDICT_OPEN,
	 .domain = AF_UNIX,
	 .flags = CW_SOCKET_SHUT_RD,
	 .state = -1,
	 .look_flags = CW_LOOK_RDHUP},
	{.what = "UNIX, EOF read",
	 .verdict = VERDICT_EOF_IGNORED,
	 .leak = true,
	 .bound = DWELL_EXACT,
	 .dwell = 4 * S,
	 .domain = AF_UNIX,
	 .flags = CW_SOCKET_EOF,
	 .eof = 4 * S,
	 .state = -1,
	 .look_flags = CW_LOOK_HUP | CW_LOOK_RDHUP},

	{.what = "killed, nobody asked", .verdict = VERDICT_UNKNOWN, .when = KILLED},
	{.what = "killed, not connected",
	 .verdict = VERDICT_OPEN,
	 .when = KILLED,
	 .not_connected = true},

	{.what = "closed by exit",
	 .verdict = VERDICT_EOF_IGNORED,
	 .leak = true,
	 .by_exit = true,
	 .bound = DWELL_EXACT,
	 .dwell = 20 * S - S / 2,
	 .flags = CW_SOCKET_LATE | CW_SOCKET_EOF,
	 .eof = 20 * S,
	 .closed = S / 2},
	{.what = "closed by exit, but not late for this report",
	 .verdict = VERDICT_CLOSED,
	 .flags = CW_SOCKET_LATE | CW_SOCKET_EOF,
	 .eof = S,
	 .closed = S / 2},
	{.what = "closed late, well before exit",
	 .verdict = VERDICT_CLOSED,
	 .flags = CW_SOCKET_LATE | CW_SOCKET_EOF,
	 .eof = 20 * S,
	 .closed = 2 * S},
	{.what = "closed late, the process goes on",
	 .verdict = VERDICT_CLOSED,
	 .when = ALIVE,
	 .flags = CW_SOCKET_LATE | CW_SOCKET_EOF,
	 .eof = 20 * S,
	 .closed = S / 2},
	{.what = "closed late, then killed",
	 .verdict = VERDICT_CLOSED,
	 .when = KILLED,
	 .flags = CW_SOCKET_LATE | CW_SOCKET_EOF,
	 .eof = 20 * S,
	 .closed = S / 2},
};

static uint64_t ago(uint64_t ns)
{
	return ns ? NOW - ns : 0;
}

static struct cw_socket socket_of(const struct row *row)
{
	struct cw_socket socket = {
		.word = 1ull << 32 | !row->no_refs,
		.opened = NOW - (row->opened ? row->opened : 120 * S),
		.eof = ago(row->eof),
		.reset = ago(row->reset),
		.moved = ago(row->moved),
		.closed = ago(row->closed),
		.bytes_in = row->in,
		.bytes_out = row->out,
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
		.taken = NOW,
		.flags = row->look_flags | (row->state > 0 ? CW_LOOK_TCP : 0),
		.state = row->state > 0 ? (uint32_t)row->state : 0,
		.unsent = row->unsent,
		.bytes_acked = row->acked,
		.last_ack_recv = row->ack_ms,
		.last_data_recv = row->recv_ms,
		.last_data_sent = row->sent_ms ? row->sent_ms : 100000,
	};

	return look;
}

static void each_rule_gives_its_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		struct cw_socket socket = socket_of(row);
		struct cw_look look = look_of(row);
		struct verdict_context context = {
			.moment = NOW,
			.grace = S,
			.slow_close = 10 * S,
			.alive = row->when == ALIVE,
			.killed = row->when == KILLED,
		};
		struct verdict_detail detail;
		enum verdict verdict =
			verdict_of(&socket, row->state ? &look : NULL, &context, &detail);

		if (verdict != row->verdict || detail.leak != row->leak ||
		    detail.young != row->young || detail.closed_by_exit != row->by_exit)
			fail_msg("%s: %s%s%s%s", row->what, verdict_name(verdict),
				 detail.leak ? ", leak" : "",
				 detail.young ? ", young" : "",
				 detail.closed_by_exit ? ", by exit" : "");
		if (row->bound && (detail.bound != row->bound ||
				   detail.dwell / 1000 != row->dwell / 1000))
			fail_msg("%s: bound %d, dwell %llu", row->what, detail.bound,
				 (unsigned long long)detail.dwell);
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_gives_its_verdict),
		cmocka_unit_test(every_verdict_has_a_name_and_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
