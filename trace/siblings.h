/* SPDX-License-Identifier: MIT */
/*
 * What became of all sockets that the processes opened at one place, over every record of
 * that place's counters, and without those that only its exit closed.
 *
 * No allocation; about 1 KiB, which the caller provides.
 */
#pragma once

#include "group.h"

#define SIBLING_CLOSERS 12u

struct sibling_closer {
	uint64_t hash;
	cw_ref site; /* of this subject's trace */
	uint32_t subject;
	uint64_t count;
};

struct siblings {
	/* One of the copies of the place's stack. */
	uint64_t hash;
	cw_ref open_site;
	uint32_t subject;
	uint8_t origin; /* enum cw_origin */
	uint64_t opened;
	uint64_t closed;
	uint64_t gone;         /* out of our sight */
	uint64_t eof_seen;     /* of the closed ones: EOF was read before */
	uint64_t dwell_max;    /* ns */
	uint64_t closers_more; /* closes at places beyond the listed */
	uint32_t closer_count;
	struct sibling_closer closers[SIBLING_CLOSERS]; /* the most frequent first */
	_Atomic uint32_t dwell[CW_DWELL_BUCKETS];       /* as a trace has it */
};

/* Of the place that `open_site` of the subject's trace names. */
void siblings_of(struct groups *groups, const struct subject *subject, cw_ref open_site,
		 struct siblings *siblings);

/* One place after the other, each once: *next is 0 at first, and is moved on. Returns false
 * behind the last. */
bool siblings_next(struct groups *groups, uint32_t *next, struct siblings *siblings);

/* The dwell, in ns, within which `percent` of those lie whose dwell is known; 0: of none. The longest
 * is `max`. */
uint64_t dwell_within(const _Atomic uint32_t dwell[CW_DWELL_BUCKETS], uint64_t max,
		      unsigned percent);

/* Calls visit() for the subject's sockets that were closed late and that its exit, not its
 * code, closed. */
void groups_each_by_exit(const struct groups *groups, const struct subject *subject,
			 void (*visit)(void *context, const struct cw_socket *socket),
			 void *context);
