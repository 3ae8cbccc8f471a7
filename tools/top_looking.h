/* SPDX-License-Identifier: MIT */
/* A look in the making; not for anybody but top_*.c. */
#pragma once

#include <limits.h>
#include <stdio.h>
#include <sys/types.h>

/* No look is to end the program because it found no memory. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "symbols.h"
#include "top_table.h"
#include "trace/findings.h"

/* Of a place or a process, over the looks. */
struct history {
	uint64_t key;
	struct top_series series;
	uint64_t look; /* the last one that added to it */
	UT_hash_handle hh;
};

struct top {
	const char *what;
	uint64_t interval; /* ns */
	struct report_options options;
	pid_t pid;               /* the process that was named, 0: none was */
	uint64_t pid_start;      /* of it */
	char *trace;             /* a trace's path: what is looked at when it has ended */
	char *session;           /* the directory of that */
	struct sampler *sampler; /* NULL: no look is written down */
	char root[64];           /* in front of the modules' paths: the named process's */
	struct symbols *symbols; /* kept over the looks: it has read debug information */
	struct history *places;
	struct history *processes;
	struct top_table table;
	uint64_t look;
	bool over; /* the last look found nothing any more */
};

/* A look in the making. */
struct looking {
	struct top *top;
	struct findings findings;
	struct symbolizer symbolizer;
	struct top_table table;
	bool failed; /* no memory */
};

/* Adds a number to a history, which is begun if there is none: `from_zero`, with 0 at the look
 * before. NULL: no memory. */
const struct top_series *history_add(struct history **all, uint64_t key, uint64_t value,
				     bool from_zero, const struct looking *looking);

/* Fills the table's rows, and its processes. */
void looking_add_rows(struct looking *looking);
void looking_add_processes(struct looking *looking);

/* Writes down what the kernel says, in the session that is looked at; and ends that. */
void top_samples_begin(struct top *top);
void top_samples_end(struct top *top);
