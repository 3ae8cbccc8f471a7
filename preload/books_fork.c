/* SPDX-License-Identifier: MIT */
/*
 * The books of a fork child.
 *
 * The parent writes them, just before the fork: a moment later it closes the very socket that it
 * forked the child for, and a child that looked then would not find it. They wait in ordinary
 * memory, which the child gets a copy of.
 */
#include <stddef.h>
#include <string.h>
#include <sys/single_threaded.h>

#include "books_open.h"
#include "extents.h"
#include "inherit.h"
#include "lock.h"
#include "sites.h"
#include "sys.h"
#include "unwind.h"

/* Written by the one thread that holds the sites' lock across its fork. */
static struct {
	bool threads;       /* the parent had more than one */
	uint32_t forker;    /* the thread that forks, 0: it could not have the lock */
	bool ready;         /* `books` is the child's */
	struct books books; /* all but the site counters, of which a child has none */
} cradle;

static void prepare_child(const struct books *b)
{
	struct books *child = &cradle.books;

	memset(child, 0, offsetof(struct books, stats));
	child->extent = books_claim_process(b->extent);
	if (!child->extent)
		return;
	child->process = extent_bytes(child->extent);
	inherit_sockets(child, b->extent);
	cradle.ready = true;
}

void books_fork_prepare(void)
{
	struct books *b = books_here();

	cradle.threads = !__libc_single_threaded;
	if (!b)
		return;
	atomic_fetch_or(&b->process->flags, CW_PROCESS_FORKED);
	extents_collect(false);
	if (!sites_lock_for_fork())
		return;
	cradle.forker = thread_id();
	prepare_child(b);
}

void books_fork_parent(void)
{
	if (cradle.forker != thread_id())
		return;
	cradle.ready = false;
	cradle.forker = 0;
	sites_unlock_after_fork();
}

static struct books *no_room(struct books *b)
{
	struct cw_process *parent = extent_bytes(lineage.extent);

	atomic_fetch_add(&parent->lost[CW_LOST_PROCESSES], 1);
	atomic_store(&b->ready, BOOKS_NONE);
	return NULL;
}

/* In a child made by fork() its books are in the cradle; one made by _Fork or a raw clone has
 * to see for itself. */
struct books *books_open_child(struct books *b)
{
	uint32_t extent;

	if (!books_begin_opening(b))
		return NULL;
	thread_id_forget();
	vfork_mark = 0;
	sites_after_fork(cradle.forker);
	cradle.forker = 0;
	if (cradle.ready) {
		cradle.ready = false;
		memcpy((char *)b + offsetof(struct books, extent),
		       (char *)&cradle.books + offsetof(struct books, extent),
		       offsetof(struct books, stats) - offsetof(struct books, extent));
		books_open_as(b, b->extent);
		return b;
	}
	extent = books_claim_process(lineage.extent);
	if (!extent)
		return no_room(b);
	b->extent = extent;
	b->process = extent_bytes(extent);
	inherit_sockets(b, lineage.extent);
	books_open_as(b, extent);
	return b;
}

void books_fork_child(void)
{
	vfork_mark = 0;
	thread_id_forget();
	lineage.pid = (uint32_t)sys_getpid();
	if (cradle.threads)
		unwind_fork_child_of_threads();
	if (books && trace_map.bytes)
		books_slow();
}
