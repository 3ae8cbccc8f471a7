/* SPDX-License-Identifier: MIT */
/*
 * The sockets of one process, judged, and those of one cause put together: the same
 * verdict, origin and stacks.
 *
 * Owns one anonymous mapping, from groups_build() to groups_release(): 56 bytes a socket
 * and 16 a place at most, of which only what is used is ever touched. No malloc, no locks: callable in a
 * dying process. Other threads may still be changing the records.
 */
#pragma once

#include "stack_hash.h"
#include "verdict.h"

/* What became of all sockets of the process, findings or not. */
struct group_totals {
	uint64_t leaks;
	uint64_t leaked_by_exit; /* of the leaks: closed only by exit */
	uint64_t young;
	uint64_t listening;
	uint64_t spinning; /* EOF read CW_EOF_SPIN times or more, still open */
	uint64_t by_verdict[VERDICTS]; /* without the leaks and the young */
};

/* One judged socket. */
struct group_item {
	uint64_t key; /* equal: the same cause */
	uint64_t dwell;
	cw_ref socket;
	uint32_t generation;
	uint8_t verdict;
	uint8_t bound;
	uint8_t leak;
	uint8_t flags;
	uint32_t spare;
};

/* Items [first, first + count) of one cause, oldest first. */
struct group_run {
	uint32_t first;
	uint32_t count;
	uint64_t oldest; /* ns */
};

/* A record of counters, by the stack that opened what it counts. */
struct group_place {
	uint64_t hash;
	cw_ref stats;
	uint32_t spare;
};

/* A socket that only the exit closed. */
struct group_by_exit {
	uint64_t open_hash;
	uint64_t close_hash;
};

struct groups {
	const struct trace_view *view;
	uint32_t process; /* extent */
	struct verdict_context context;
	struct group_totals totals;
	struct group_item *items;
	uint32_t item_count;
	struct group_run *runs; /* leaks first, then by size and age */
	uint32_t run_count;
	uint64_t *scratch; /* item_count words, for who works on one group */
	struct stack_memo *memo;
	/* For siblings.c, which fills them when it is first asked. */
	struct group_place *places; /* by hash */
	uint32_t place_count;
	uint32_t place_room;
	struct group_by_exit *by_exit; /* room for CW_LATE_RING */
	uint32_t by_exit_count;
	bool indexed;
	uint64_t comparisons; /* made in sorting: the work done */
	void *memory;
	size_t memory_size;
};

/* One cause, in full. */
struct group {
	const struct group_run *run;
	enum verdict verdict;
	bool leak;
	uint64_t count;
	uint64_t oldest, newest; /* ns */
	enum dwell_bound bound;  /* of the oldest */
	uint64_t bytes_in, bytes_out;
	uint64_t never_read, never_sent; /* sockets */
	uint64_t by_exit;                /* sockets closed only by exit */
	bool reset_unlearned;
	struct cw_socket example; /* the oldest */
};

/* Judges every socket of the process whose records lie in extents of `process`. With
 * `with_open` the sockets that are no finding are grouped too, else only counted. Returns
 * 0 or -ENOMEM. */
int groups_build(struct groups *groups, const struct trace_view *view, uint32_t process,
		 const struct verdict_context *context, bool with_open);
void groups_release(struct groups *groups);

/* Fills *group for run `index`. Returns false if all its sockets are gone by now. */
bool groups_describe(struct groups *groups, uint32_t index, struct group *group);

/* A copy of the item's socket. Returns false if the record is another socket's by now. */
bool groups_socket(const struct groups *groups, const struct group_item *item,
		   struct cw_socket *copy);

/* Calls visit() for the reference of every record of `kind` (SOCKETS or STATS) that
 * belongs to `process`. */
void groups_each(const struct trace_view *view, uint32_t process,
		 enum cw_extent_kind kind, void (*visit)(void *context, cw_ref ref),
		 void *context);
