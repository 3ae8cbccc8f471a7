/* SPDX-License-Identifier: MIT */
/*
 * Faults, place by place: what happened there to sockets that need not be open any more.
 *
 * Owns one anonymous mapping, from faults_find() to faults_release(). No malloc, no locks:
 * callable in a dying process.
 */
#pragma once

#include "group.h"

/* In the order in which a report names them. */
enum fault_kind {
	FAULT_SLOW_CLOSE,
	FAULT_CLOSED_BY_GC,
	FAULT_EOF_SPIN,
	FAULT_DOUBLE_CLOSE,
	FAULT_EXHAUSTED,
	FAULT_KINDS,
};

#define FAULT_SITES 2u

/* One place in one process. Sites by kind: opened, closed; opened, closed; EOF read, opened; closed,
 * closed again; none. */
struct fault_place {
	uint64_t count;   /* sockets closed or spun on, closes, calls that failed */
	uint64_t longest; /* ns in CLOSE_WAIT, of the first two kinds; 0: not told */
	cw_ref sites[FAULT_SITES]; /* 0: not recorded */
	cw_ref stats;              /* the counters it is told by; 0: the process's */
	uint32_t subject;          /* index */
	uint8_t kind;              /* enum fault_kind */
	uint8_t suppressed;        /* not shown, not counted */
};

struct fault_places {
	struct fault_place *items; /* by subject */
	uint32_t count;
	uint32_t room;
	size_t size; /* bytes of the mapping */
};

/* "slow-close" …: the words that users, options and other tools know. */
const char *fault_name(enum fault_kind kind);

/* Of all subjects of the groups, which must be built. Returns 0 or -ENOMEM. */
int faults_find(struct fault_places *places, const struct groups *groups);
void faults_release(struct fault_places *places);

static inline bool fault_counts(const struct fault_place *place, enum fault_kind kind)
{
	return place->kind == kind && place->count && !place->suppressed;
}
