/* SPDX-License-Identifier: MIT */
/* One rule of the verdicts a row; the tables of them. */
#pragma once

#include <netinet/tcp.h>
#include <sys/socket.h>

#include "trace/verdict.h"
#include "unit.h"

#define S   1000000000ull
#define NOW (200 * S)

enum when {
	ENDED,
	ALIVE,
	KILLED,
	KILLED_THEN, /* somebody saw when */
	KILLED_WATCHED, /* nobody did, but the kernel's table was looked at until a second later */
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
	uint64_t opened, eof, reset, told, moved, closed;
	uint64_t looked_later; /* than the moment */
	uint64_t in, out;
	int state;
	uint32_t look_flags, unsent;
	uint64_t acked;
	uint32_t ack_ms, recv_ms, sent_ms, left_ms;
	bool no_refs, not_connected;
	uint64_t received; /* bytes, by the kernel's count */
	uint32_t unread;
	bool uring, orderly, has_heirs;
};

struct table {
	const struct row *rows;
	size_t count;
};

extern const struct table table_state;
extern const struct table table_eof;
extern const struct table table_told;
extern const struct table table_unix;
extern const struct table table_end;
extern const struct table table_unseen;
