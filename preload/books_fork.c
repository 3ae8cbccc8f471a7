/* SPDX-License-Identifier: MIT */
/*
 * The books of a fork child.
 *
 * The parent writes them, just before the fork: a moment later it closes the very socket that it
 * forked the child for, and a child that looked then would not find it. What the trace does not
 * tell of them waits in ordinary memory, which the child gets a copy of.
 */
#include <stddef.h>
#include <string.h>

#include "books_open.h"
#include "collect.h"
#include "extents.h"
#include "fork_hot.h"
#include "inherit.h"
#include "lock.h"
#include "proc.h"
#include "rare.h"
#include "sites.h"
#include "sys.h"
#include "thread.h"
#include "undisturbed.h"

#define HEAD      offsetof(struct books, extent)
#define HEAD_SIZE (offsetof(struct books, fds) - HEAD)

/* Written by the one thread that holds the sites' lock across its fork. */
FORK_HOT static struct {
	uint32_t forker; /* the thread that forks, 0: it could not have the lock */
	bool ready;      /* `head` is the child's */
	bool no_room;    /* for its books */
	/* Of the child's books all but its descriptors, which its process record tells, and the
	 * site counters, of which it has none. */
	char head[HEAD_SIZE];
} cradle;

/* What this thread has prepared last: the cradle may be another's when fork() returns. */
static __thread uint32_t prepared __attribute__((tls_model("initial-exec")));

/* A handler that comes while this thread forks finds its own thread in the lock, and could capture
 * nothing: none does, until the fork is over. Then the cradle is this thread's. */
static __thread bool masked __attribute__((tls_model("initial-exec")));
static __thread struct undisturbed forking __attribute__((tls_model("initial-exec")));

static bool lock_sites(void)
{
	undisturbed_begin(&forking);
	masked = sites_lock_for_fork();
	if (!masked)
		undisturbed_end(&forking);
	return masked;
}

static void let_signals_through(void)
{
	if (!masked)
		return;
	masked = false;
	undisturbed_end(&forking);
}

/* The child gets all of what its parent has open, or is not traced: half of it would show
 * as a loss in every healthy child. */
static uint32_t make_books(struct books *child, uint32_t parent, bool inherits)
{
	memset((char *)child + HEAD, 0, offsetof(struct books, stats) - HEAD);
	child->extent = books_claim_process(parent, true);
	if (!child->extent)
		return 0;
	child->process = extent_bytes(child->extent);
	if (!inherits || inherit_sockets(child, parent))
		return child->extent;
	collect_unborn(child->extent);
	return 0;
}

static void prepare_child(const struct books *b)
{
	struct books *child = books + 1;

	prepared = make_books(child, b->extent, !books_left());
	memcpy(cradle.head, (char *)child + HEAD, HEAD_SIZE);
	cradle.ready = prepared != 0;
	cradle.no_room = !prepared;
	if (cradle.no_room)
		collect_count_loss();
}

HOT void books_fork_prepare(void)
{
	struct books *b = books_to_end();

	prepared = 0;
	if (!b)
		return;
	lineage.forking = proc_ticks_now();
	atomic_fetch_or(&b->process->flags, CW_PROCESS_FORKED);
	collect_before_fork();
	if (!lock_sites())
		return;
	/* A child that another thread makes meanwhile, without us, finds them half changed. */
	sites_learn(b);
	cradle.forker = thread_id();
	prepare_child(b);
}

HOT void books_fork_parent(void)
{
	if (cradle.forker != thread_id())
		return;
	cradle.ready = false;
	cradle.no_room = false;
	cradle.forker = 0;
	sites_unlock_after_fork();
	let_signals_through();
}

void books_fork_failed(void)
{
	if (prepared)
		collect_unborn(prepared);
	prepared = 0;
}

static struct books *without_books(struct books *b)
{
	books_close(b);
	return NULL;
}

/* A child has its parent's pid namespace, unless its parent is not to be seen in its own. */
static void settle_lineage(void)
{
	lineage.pid = (uint32_t)sys_getpid();
	lineage.ppid = (uint32_t)sys_call(SYS_getppid, 0, 0, 0, 0);
	if (lineage.ppid != lineage.owner)
		lineage.pid_ns = proc_pid_namespace();
}

/* Asked after the child's own record is there: from then on its parent's sites stay. */
static bool parent_is_there(void)
{
	const struct cw_process *p = extent_bytes(lineage.extent);
	uint32_t tag = atomic_load(&trace_map.extents[lineage.extent].tag);
	uint32_t state = atomic_load(&p->state);

	return cw_extent_kind(tag) == CW_EXTENT_PROCESS && p->pid == lineage.owner &&
	       p->pid_start == lineage.owner_start && state != CW_PROCESS_NONE &&
	       !(atomic_load(&p->flags) & CW_PROCESS_SITES_ONLY);
}

static struct books *open_unprepared(struct books *b)
{
	uint32_t extent = books_claim_process(lineage.extent, false);

	if (extent && !parent_is_there()) {
		collect_unborn(extent);
		return without_books(b);
	}
	if (!extent) {
		collect_count_loss();
		return without_books(b);
	}
	b->extent = extent;
	b->process = extent_bytes(extent);
	if (inherit_sockets(b, lineage.extent) && books_open_as(b, extent))
		return b;
	b->process = NULL;
	collect_unborn(extent);
	collect_count_loss();
	return without_books(b);
}

static void take_descriptors(struct books *b)
{
	for (unsigned i = 0; i < b->fds_end; i++) {
		uint32_t extent =
			atomic_load_explicit(&b->process->fds[i], memory_order_relaxed);

		if (extent)
			atomic_store_explicit(&b->fds[i], extent_bytes(extent),
					      memory_order_relaxed);
	}
}

/* In a child made by fork() its books are in the cradle; one made by _Fork or a raw clone has
 * to see for itself: what is there if another thread was forking is for that one's child. */
HOT struct books *books_open_child(struct books *b)
{
	bool ready = cradle.ready && masked;
	bool no_room = cradle.no_room && masked;

	thread_id_forget();
	if (!books_begin_opening(b))
		return NULL;
	settle_lineage();
	books_rejoin();
	sites_after_fork(cradle.forker);
	cradle.forker = 0;
	cradle.ready = false;
	cradle.no_room = false;
	prepared = 0;
	if (ready) {
		/* Not libc's, whose page this child would need for it alone. */
		__builtin_memcpy((char *)b + HEAD, cradle.head, HEAD_SIZE);
		take_descriptors(b);
		return books_open_as(b, b->extent) ? b : without_books(b);
	}
	return no_room ? without_books(b) : open_unprepared(b);
}

HOT void books_fork_child(void)
{
	bool open = false;

	if (!books)
		return;
	books_rejoin();
	thread_id_forget();
	if (trace_map.bytes) {
		/* A write, or the page would be found empty first and then be made. */
		atomic_fetch_or(&books->ready, BOOKS_CLOSED);
		open = books_slow() != NULL;
	}
	if (!open)
		lineage.pid = (uint32_t)sys_getpid();
	let_signals_through();
}
