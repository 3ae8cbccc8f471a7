/* SPDX-License-Identifier: MIT */
/*
 * The sockets of some processes, judged, and those of one cause put together: the same
 * verdict, origin and stacks, in whatever process. A socket that several of them hold is one
 * item.
 *
 * Owns one anonymous mapping, from groups_build() to groups_release(): 72 bytes a socket and
 * 16 a place at most, of which only what is used is ever touched. No malloc, no locks: callable
 * in a dying process. Other threads may still be changing the records.
 */
#pragma once

#include "stack_hash.h"
#include "verdict.h"

/* What became of all sockets, findings or not. */
struct group_totals {
	uint64_t leaks;
	uint64_t leaked_by_exit; /* of the leaks: closed only by exit */
	uint64_t suppressed;     /* in none of the other numbers */
	uint64_t young;
	uint64_t undated; /* of those */
	uint64_t listening;
	uint64_t spinning; /* EOF read CW_EOF_SPIN times or more, still open */
	uint64_t by_verdict[VERDICTS]; /* without the leaks and the young */
};

/* One process whose sockets are judged. */
struct subject {
	struct trace_view view; /* of its trace; with a look() only if it lives */
	uint32_t extent;        /* its process extent */
	const struct cw_process *process;
	struct verdict_context context;
	int killed_by;   /* the signal that ended it without a word; 0: not known */
	uint64_t leaks;  /* of its own, whoever else holds them */
	uint64_t faults; /* places of faults, the suppressed ones not counted */
};

/* One judged socket. */
struct group_item {
	uint64_t key; /* equal: the same cause */
	uint64_t dwell;
	uint64_t cookie; /* 0: not known */
	cw_ref socket;
	uint32_t generation;
	uint32_t subject; /* index */
	uint8_t verdict;
	uint8_t bound;
	uint8_t leak;
	uint8_t flags; /* enum item_flag */
};

enum item_flag {
	ITEM_BY_EXIT = 1u << 0,
	ITEM_UNLEARNED = 1u << 1,
	ITEM_LISTENING = 1u << 2,
	ITEM_UNCOUNTED = 1u << 3, /* not in the totals: another process's to be counted */
};

/* A process that holds a socket. */
struct group_holder {
	uint64_t cookie;
	uint32_t subject; /* index */
	uint32_t spare;
};

/* What the user wants done with a cause. */
enum run_mark {
	RUN_REPORTED,
	RUN_KNOWN,      /* it was there before: shown, but no failure */
	RUN_SUPPRESSED, /* not shown, not counted */
};

/* Items [first, first + count) of one cause, oldest first. */
struct group_run {
	uint32_t first;
	uint32_t count;
	uint64_t oldest; /* ns */
	uint32_t mark;   /* enum run_mark */
	uint32_t spare;
};

/* A record of counters, by the stack that opened what it counts. */
struct group_place {
	uint64_t hash;
	cw_ref stats;
	uint32_t subject; /* index */
};

/* A socket that only the exit closed. */
struct group_by_exit {
	uint64_t open_hash;
	uint64_t close_hash;
};

struct groups {
	struct subject *subjects; /* the caller's */
	uint32_t subject_count;
	struct group_totals totals;
	struct group_item *items;
	uint32_t item_count;
	struct group_run *runs; /* leaks first, then by size and age */
	uint32_t run_count;
	struct group_holder *holders; /* by cookie; none if there is one subject */
	uint32_t holder_count;
	uint64_t *scratch; /* item_count words, for who works on one group */
	struct stack_memo *memo;
	/* For siblings.c, which fills them when it is first asked. */
	struct group_place *places; /* by hash */
	uint32_t place_count;
	uint32_t place_room;
	struct group_by_exit *by_exit; /* room for CW_LATE_RING a subject */
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
	uint64_t passed_on;    /* sockets that were passed on and not closed here */
	uint64_t heirs_closed; /* sockets that only a fork child has closed */
	bool reset_unlearned;
	struct cw_socket example;      /* the oldest */
	struct cw_aside aside;         /* its own */
	const struct subject *subject; /* whose that is: its sites are of that trace */
};

/* Judges every socket of the subjects, whose number is at least 1. With `with_open` the sockets
 * that are no finding are grouped too, else only counted. Returns 0 or -ENOMEM. */
int groups_build(struct groups *groups, struct subject *subjects, uint32_t count,
		 bool with_open);
void groups_release(struct groups *groups);

/* Fills *group for run `index`. Returns false if all its sockets are gone by now. */
bool groups_describe(struct groups *groups, uint32_t index, struct group *group);

/* A copy of the item's socket. Returns false if the record is another socket's by now. */
bool groups_socket(const struct groups *groups, const struct group_item *item,
		   struct cw_socket *copy);

/* Takes a run out of the totals, and out of what reports show. */
void groups_suppress(struct groups *groups, uint32_t index);

/* The subjects that hold a socket with this cookie: [*first, *first + the result) of
 * groups->holders. */
uint32_t groups_holders(const struct groups *groups, uint64_t cookie, uint32_t *first);
/* Whether that one still held it at the moment that is told of the other: what a process that ended
 * before had open is open in it no more. */
bool groups_held_too(const struct subject *holder, const struct subject *told);

/* Calls visit() for the reference of every record of `kind` (SOCKETS or STATS) that belongs to
 * the subject. */
void groups_each(const struct subject *subject, enum cw_extent_kind kind,
		 void (*visit)(void *context, cw_ref ref), void *context);
