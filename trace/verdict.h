/* SPDX-License-Identifier: MIT */
/*
 * What is to be said of one socket: pure functions of its record and of what the kernel
 * said of it. What the program learned first names the verdict.
 *
 * No state, no memory, no system call: callable anywhere.
 */
#pragma once

#include "view.h"

/* In the order in which a report shows them. */
enum verdict {
	VERDICT_EOF_IGNORED,
	VERDICT_EOF_UNREAD,
	VERDICT_RESET_IGNORED,
	VERDICT_SHUTDOWN_UNCLOSED,
	VERDICT_HALF_CLOSED,
	VERDICT_UNKNOWN,
	VERDICT_IDLE_CLIENT,
	VERDICT_OPEN,
	/* Not of the report: the record is not of a socket that is open at the end. */
	VERDICT_CLOSED,
	VERDICT_GONE, /* closed or replaced out of our sight */
	VERDICTS,
};

/* How `dwell` is to be read. */
enum dwell_bound {
	DWELL_NONE,
	DWELL_EXACT,
	DWELL_AT_LEAST,
	DWELL_AT_MOST,
};

/* ns: what was closed so shortly before the process ended may have been closed by its end. */
#define LAST_SECOND 1000000000ull

struct verdict_context {
	uint64_t moment;     /* ns, monotonic: the verdict is true of this moment */
	uint64_t grace;      /* ns */
	uint64_t slow_close; /* ns */
	uint64_t watched;    /* ns: as in struct trace_view */
	bool alive; /* the process goes on: what it closed is closed, not swept up by exit */
	bool killed; /* it ended without a word, and `moment` is its last known one */
	bool dated;  /* it did, but somebody saw when: that is `moment` */
	bool uring;  /* it uses io_uring: not every read is seen */
	bool orderly; /* it ended by exit or exec: what it was given by its supervisor is given back */
};

struct verdict_detail {
	uint64_t dwell; /* ns in the state that the verdict names, before the moment */
	enum dwell_bound bound;
	bool leak;
	bool young; /* in that state for less than grace: counted, not judged */
	bool undated; /* young, since nobody knows for how long: it may be longer than grace */
	bool closed_by_exit;  /* closed, but only in the process's last second */
	bool reset_unlearned; /* reset-ignored by the kernel's word alone */
};

/* `look` may be NULL: the kernel was not asked, or does not know. Fills *detail for every
 * verdict. `socket` and `look` are copies, or not being written. */
enum verdict verdict_of(const struct cw_socket *socket, const struct cw_look *look,
			const struct verdict_context *context,
			struct verdict_detail *detail);

/* "eof-ignored" …: the words that users, options and other tools know. */
const char *verdict_name(enum verdict verdict);

/* What the program did not do and how that is mended; `python`: in Python's words. */
const char *verdict_help(enum verdict verdict, bool python);

/* The moment and the thresholds to judge a process's sockets by. `now`, `alive` and
 * `killed` are of the caller's knowledge; a process that ended and said so is judged at its
 * own end whatever they are. grace and slow_close of 0: as the trace has them. */
struct verdict_context verdict_context_of(const struct trace_view *view,
					  const struct cw_process *process, uint64_t now,
					  bool alive, bool killed);
