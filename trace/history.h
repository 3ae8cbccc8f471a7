/* SPDX-License-Identifier: MIT */
/*
 * What the processes of a session know of one kernel socket: where it was opened, passed on and
 * received, by its cookie; also of processes that ended with nothing to report, as long as their
 * books are there.
 *
 * Owns one anonymous mapping of 64 bytes a record, from history_build() to history_release(). No
 * malloc, no locks: callable in a dying process.
 */
#pragma once

#include "group.h"
#include "view.h"

enum history_what {
	HISTORY_OPENED, /* by accept, connect, socket or socketpair */
	HISTORY_RECEIVED,
	HISTORY_FOUND, /* open when the process first used it, or began */
	HISTORY_PASSED_ON,
	HISTORY_INHERITED, /* opened by an ancestor that has no record of it any more */
};

struct history_step {
	uint64_t cookie;
	uint64_t ns;
	const struct trace_view *view;
	uint64_t started; /* ns; the process */
	uint32_t pid;
	uint32_t extent; /* the process's */
	cw_ref site;     /* of that trace; 0: no stack */
	cw_ref socket;   /* the record, 0: it is gone */
	uint32_t what;   /* enum history_what */
};

struct histories {
	struct history_step *steps; /* by cookie, then by time */
	uint32_t count;
	uint32_t room;
	size_t size; /* bytes of the mapping */
};

/* Of all that is in these traces, whose views must outlive it. Returns 0 or -ENOMEM. */
int history_build(struct histories *history, const struct trace_view *const *traces,
		  size_t count);
void history_release(struct histories *history);

/* The steps of one socket: [*first, *first + the result). */
uint32_t history_of(const struct histories *history, uint64_t cookie, uint32_t *first);

/* "opened": the word for a step. */
const char *history_word(enum history_what what);
/* How a socket of this origin came to its process. */
enum history_what history_origin(unsigned origin);

/* Fills *subject with the process of a step, so that its references can be named. False: its books
 * have been given back meanwhile. */
bool history_subject(const struct history_step *step, struct subject *subject);
