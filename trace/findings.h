/* SPDX-License-Identifier: MIT */
/*
 * What there is to tell of some processes, of one trace or of many: their sockets judged and
 * grouped, their faults counted. Reports of every form are made of it.
 *
 * Owns four anonymous mappings, from findings_build() to findings_release(); refers to the views,
 * which must outlive it. No malloc, no locks: callable in a dying process.
 */
#pragma once

#include "faults.h"
#include "group.h"
#include "history.h"
#include "report.h"

/* Faults that are no single open socket, of all places; the suppressed ones not counted. */
struct faults {
	uint64_t slow;      /* sockets closed after more than slow_close */
	uint64_t slow_max;  /* ns */
	uint64_t collected; /* sockets closed as Python collected them */
	uint64_t spins;     /* sockets */
	uint64_t double_closes;
	uint64_t exhausted; /* calls that failed */
};

struct findings {
	struct subject *subjects;
	uint32_t subject_count;
	size_t subjects_size; /* bytes of the mapping */
	struct groups groups;
	struct fault_places fault_places;
	struct histories history; /* empty where there is no group, or no memory */
	struct faults faults;
	uint64_t places;   /* groups of leaks, the suppressed ones not counted */
	uint32_t speaking; /* subjects with something to tell */
	uint32_t first;    /* the first of those; else 0 */
};

/* Judges the processes; `count` is at least 1. Returns 0 or -ENOMEM. */
int findings_build(struct findings *findings, const struct report_process *processes,
		   uint32_t count, const struct report_options *options);
void findings_release(struct findings *findings);

/* Counts places, faults and speaking subjects again, after runs or places of faults were
 * suppressed. */
void findings_recount(struct findings *findings);

/* Whether there is something to tell of that subject. */
bool findings_speaks(const struct findings *findings, const struct subject *subject);

/* Leaks, faults, and sockets that nobody watched: 0 if all is well. */
uint64_t findings_count(const struct findings *findings);
