/* SPDX-License-Identifier: MIT */
/* The parts of a scan; not for anybody but scan*.c. */
#pragma once

#include <errno.h>

#include "scan.h"

/* A namespace, and a process in it. */
struct place {
	uint64_t netns;
	pid_t pid;
};

/* A held socket that the first look's tables do not list. */
struct unmatched {
	pid_t pid;
	int fd;
	uint64_t start;
	uint64_t inode;
};

/* A process whose descriptors were read, or were not to be. */
struct looked {
	pid_t pid;
	bool incomplete;
	uint64_t start;
	uint64_t descriptors;
};

struct scan_work {
	struct scan *scan;
	const struct scan_source *source;
	struct socket_table listeners;
	struct socket_table backlog; /* connections that are not accepted */
	struct place *places;        /* by namespace */
	size_t place_count, place_room;
	struct unmatched *unmatched; /* by process */
	size_t unmatched_count, unmatched_room;
	struct looked *looked; /* processes */
	size_t looked_count, looked_room;
	bool failed; /* no memory */
};

/* *items grows by one of `size` bytes, zeroed; NULL: no memory, and work->failed. */
void *scan_grow(struct scan_work *work, void *items, size_t *count, size_t *room,
		size_t size);

void scan_step(const struct scan_work *work, enum scan_step step, pid_t pid);

/* Not ours to see or to ask. */
static inline bool scan_is_refusal(int error)
{
	return error == -EPERM || error == -EACCES;
}

/* The one of this number among the first `count`, which are sorted; NULL: none. */
const struct looked *scan_looked_find(const struct scan_work *work, size_t count,
				      pid_t pid);
void scan_looked_sort(struct scan_work *work);

/* Fills work->places. */
void scan_list_places(struct scan_work *work);
/* Reads the tables of all places. Returns 0 or -errno: none could be asked, or not the own. */
int scan_query(struct scan_work *work, struct socket_table *table,
	       const struct diag_wanted *wanted, uint64_t *asked, uint64_t *refused);

/* Reads a process's descriptors and puts down what it holds. Returns 0 or -errno as
 * scan_take(). */
int scan_join(struct scan_work *work, pid_t pid);
/* The scan's record of the process; made if there is none. NULL: no memory. */
struct scan_process *scan_process_of(struct scan_work *work,
				     const struct proc_entry *entry,
				     const struct looked *looked);

/* Moves from the scan's table what is not to be joined: see work->listeners and ->backlog.
 * Counts what no process can hold. */
void scan_sift(struct scan_work *work);
/* How many of the backlog are of the listener `inode`, if it is one, and of no other; they are
 * put down to the process, each once. */
uint64_t scan_backlog_of(struct scan_work *work, uint64_t inode, pid_t pid);
/* Counts what is left untold. */
void scan_backlog_finish(struct scan_work *work);

/* Finds out about work->unmatched. */
void scan_find_detached(struct scan_work *work);
