/* SPDX-License-Identifier: MIT */
/* How books come to be; for books.c, books_fork.c and collect.c alone. */
#pragma once

#include "books.h"

/* What a child needs to know of its parent; ordinary memory, so it is copied by fork. */
struct lineage {
	uint32_t pid;  /* of the process whose memory this is */
	uint32_t ppid; /* as it was when its books were opened */
	uint32_t
		extent; /* the nearest process extent, its own or an ancestor's; 0: none yet */
	uint32_t owner;       /* pid of the process in that extent */
	uint32_t pid_ns;      /* our pid namespace, as cw_process has it */
	uint64_t owner_start; /* ticks */
	uint64_t forking;     /* ticks when it, or an ancestor, last forked; 0: never */
};

extern struct lineage lineage;

/* The right to open the books of this process; false if another thread has it or did it. */
bool books_begin_opening(struct books *b);

/* In a fork child: its one thread has the descriptors that its books are of. */
void books_rejoin(void);

/* An extent for a process that is not alive yet, for that to claim itself or for its parent; 0: no
 * room. It counts as living. */
uint32_t books_claim_process(uint32_t parent, bool by_parent);

/* The calling process, whose pids are in `lineage`, becomes the one in `extent`, and its books are
 * open. False: they were collected, it came too late. */
bool books_open_as(struct books *b, uint32_t extent);

/* A fork child's books, where its fork() prepared none: what its parent has open by now is
 * copied. NULL: no room. */
struct books *books_open_child(struct books *b);
