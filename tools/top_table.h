/* SPDX-License-Identifier: MIT */
/*
 * What `closewait top` shows: the places that hold sockets now, and how that changes.
 *
 * A table is filled anew at each look; the history of the looks before it is kept beside it, by
 * place. Everything in it is owned, and lives until the next look.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/group.h"
#include "trace/report.h"

/* The looks that rate and trend are told by: at one a second, the last minute. */
#define TOP_LOOKS 60u

/* A number at the last looks. */
struct top_series {
	uint64_t when[TOP_LOOKS]; /* ns, monotonic */
	uint64_t value[TOP_LOOKS];
	/* Of all, the lost ones included: the last is at (count - 1) % TOP_LOOKS. */
	uint32_t count;
};

void top_series_add(struct top_series *series, uint64_t when, uint64_t value);
/* How much it has grown in a minute, in tenths; 0 with less than two looks. */
int64_t top_series_rate(const struct top_series *series);
/* The n-th of the last looks, 0 the newest. False: there is none. */
bool top_series_at(const struct top_series *series, uint32_t n, uint64_t *value);

/* One place. */
struct top_row {
	uint32_t fingerprint;
	enum verdict verdict;
	bool leak;
	uint64_t count;
	uint64_t oldest; /* ns */
	enum dwell_bound bound;
	uint64_t bytes;          /* received and sent */
	uint64_t opened, closed; /* ever, where its sockets were opened */
	char *place;
	char *stacks; /* the group as a report has it */
	const struct top_series *counts;
};

/* One living process. */
struct top_process {
	uint32_t pid;
	uint32_t subject; /* of the findings, while they are there */
	char name[16];
	uint64_t used, limit; /* descriptors; limit 0: not known */
	/* Sockets whose peer has closed, whether that was read; those of dead connections. */
	uint64_t eof_read, eof_unread, detached;
	uint64_t unread_bytes;
	uint64_t oldest; /* ns, of those whose peer has closed */
	const struct top_series *descriptors;
};

struct top_table {
	uint64_t when;       /* ns, monotonic */
	uint64_t took;       /* ns */
	char *command, *end; /* the first process's command line; what became of it */
	uint64_t opened, closed, leaks, listening, open, young;
	struct top_process *processes; /* those that live */
	size_t process_count;
	size_t subject_count; /* all that there is a record of */
	struct top_row *rows;
	size_t row_count;
};

/* What is looked at. */
struct top;

/* `what` as trace_find() takes it, the caller's; it will be looked at every `interval` ns, 0: once.
 * NULL: no memory. */
struct top *top_open(const char *what, uint64_t interval,
		     const struct report_options *options);
void top_close(struct top *top);

/* Shows also what is no finding, from the next look on. */
void top_show_open(struct top *top, bool show);

/* Looks, and fills the table. False after a line on standard error: what was looked at is no more,
 * and the table is what the look before had found. */
bool top_look(struct top *top);
const struct top_table *top_table(const struct top *top);

/* Of the living processes, the one whose descriptors will first be used up, as it goes; NULL: there
 * is none. */
const struct top_process *top_tightest(const struct top_table *table);
/* ns until then; 0: it does not come to it. */
uint64_t top_time_left(const struct top_process *process);

enum top_order {
	TOP_BY_COUNT,
	TOP_BY_RATE,
	TOP_BY_OLDEST,
	TOP_BY_BYTES,
	TOP_ORDERS,
};

const char *top_order_name(enum top_order order);
/* Leaks before what is none; within that by `order`, the largest first. */
void top_sort(struct top *top, enum top_order order);
void top_sort_rows(struct top_row *rows, size_t count, enum top_order order);
