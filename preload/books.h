/* SPDX-License-Identifier: MIT */
/*
 * The books of this process: where its sockets are written down, and whose they are.
 *
 * They lie in a mapping that the kernel wipes in every child that has its own memory
 * (fork, _Fork, raw clone): a child finds `ready` 0 and opens books of its own. A child
 * that shares our memory (vfork, clone with CLONE_VM) is recognised by the mark its thread
 * got in our hook; it has no books at all, and nothing it does reaches its parent's. One that
 * shares the descriptors as well (CLONE_FILES) acts in its parent's books; only its end is
 * not theirs.
 *
 * books_here() is for every hook; it costs two loads. The others are for the rare paths.
 *
 * `fds` leads to something only while the books are open: what books_close() takes out, or the kernel
 * wipes, is not there. So one may look for a descriptor without asking `ready` first.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rare.h"
#include "trace/format.h"

#define BOOKS_STATS_SLOTS  4096u /* a power of two */
#define BOOKS_CLOSED_WORDS 1024u /* of 64 numbers each; larger ones share them */

/* What most processes touch lies in one page: the head, and at its sides the descriptors and the
 * bits of small numbers. */
struct books {
	char unused[2048];
	/* A bit for each number whose last close was a socket's (double_close.h), from the end. */
	_Atomic uint64_t closed_sockets[BOOKS_CLOSED_WORDS];
	_Atomic uint32_t ready;     /* enum books_state */
	_Atomic uint32_t opener;    /* thread id, while BOOKS_OPENING */
	_Atomic uint32_t finishing; /* thread id of the one that writes the report */
	uint32_t extent;            /* of our process record: the owner of our extents */
	struct cw_process *process;
	_Atomic uint64_t
		free_sockets; /* tag << 32 | cw_ref: a stack of records to reuse */
	_Atomic uint32_t sockets_extent; /* where new records are carved */
	_Atomic uint32_t stats_extent;
	_Atomic uint32_t looks_extent;
	_Atomic uint32_t asides_extent;
	_Atomic uint32_t heap_extent;
	_Atomic uint32_t fds_end; /* no page of `fds` at or behind it was ever made */
	/* Second level of the descriptor table, as pointers; NULL: no socket seen there. */
	_Atomic(_Atomic uint64_t *) fds[CW_FD_EXTENTS];
	/* open site << 32 | its cw_stats; open addressing, entries never move. */
	_Atomic uint64_t stats[BOOKS_STATS_SLOTS];
} __attribute__((aligned(4096)));

enum books_state {
	BOOKS_CLOSED,  /* fresh memory: before the first socket, or a new child */
	BOOKS_OPENING, /* a thread is at it; others pass */
	BOOKS_READY,
	BOOKS_NONE, /* there is no room for this process, or no trace */
};

/* Behind them lie those of a child that is about to be forked, while they are prepared. */
extern struct books *books;

/* Its `fds`, or where there are none as many that are NULL for ever: who looks a descriptor up need not
 * ask which. */
extern _Atomic(_Atomic uint64_t *) *books_fds;
extern _Atomic(_Atomic uint64_t *) books_no_fds[CW_FD_EXTENTS];

/* Not 0: books_slow() is to be asked. vfork.S sets it, too. */
extern __thread int vfork_mark
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Reserves the wiped mapping. Called once by the constructor; without it nothing is
 * traced. */
void books_reserve(void);

/* For a thread that has not been here yet, and a process whose books are not open: opens a fork
 * child's. NULL: nothing is to be recorded. */
APART struct books *books_slow(void);

static inline bool books_are_open(const struct books *b)
{
	return atomic_load_explicit(&b->ready, memory_order_acquire) == BOOKS_READY;
}

/* This process's books, or NULL: nothing is to be recorded. */
static inline struct books *books_here(void)
{
	struct books *b = books;

	if (__builtin_expect(!b || vfork_mark || !books_are_open(b), 0))
		return books_slow();
	return b;
}

/* The same, and makes the trace if this process has none yet: for a hook that holds a
 * socket. */
RARE struct books *books_make(void);
static inline struct books *books_for_socket(void)
{
	struct books *b = books_here();

	return b ? b : books_make();
}

/* Around fork(): the short locks are taken, so that the child finds nothing half-changed. */
void books_fork_prepare(void);
void books_fork_parent(void);
void books_fork_child(void);
/* After the parent's step, in the same thread: there is no child. Preserves errno. */
void books_fork_failed(void);

/* True in a child that shares its parent's memory. Clears the mark once the parent runs
 * again. */
bool books_in_vfork_child(void);

/* Has this process books, and more than one thread? Reads /proc. */
bool books_shared_by_threads(void);

/* The calling thread has a descriptor table of its own from now on: it has no books any more,
 * which a notice tells. A child that it forks has books, and inherits nothing. */
void books_leave(void);

/* A child has been made that has memory of its own, but its parent's descriptors (CLONE_FILES without
 * CLONE_VM): what either does to them the other's books do not show, which a notice tells. Preserves
 * errno. */
void books_share_files(void);

/* For the end of the process: its books, in a thread that has left them, too. */
struct books *books_to_end(void);
/* Has the calling thread left them? Then it cannot ask the kernel about their sockets. */
bool books_left(void);

/* There are none any more; and nor will there be in what is forked from here on. */
void books_close(struct books *b);
void books_give_up(void);

/* Is the record still that of this process, and not collected for one that had ended? */
bool books_are_whole(const struct books *b);

/* Is the calling process the one whose books these are? A system call. */
bool books_are_ours(void);

RARE void books_lost(enum cw_lost what);
