/* SPDX-License-Identifier: MIT */
/* Opens the books of an image's first process, and tells whose they are. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/single_threaded.h>

#include "books_open.h"
#include "clock.h"
#include "extents.h"
#include "fork_hot.h"
#include "init.h"
#include "notice.h"
#include "on_stack.h"
#include "proc.h"
#include "rare.h"
#include "rmw.h"
#include "sys.h"
#include "thread.h"
#include "trace_file.h"
#include "undisturbed.h"
#include "uring.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18 /* <linux/mman.h>, Linux 4.14 */
#endif

struct books *books;
_Atomic(_Atomic uint64_t *) books_no_fds[CW_FD_EXTENTS];
_Atomic(_Atomic uint64_t *) *books_fds = books_no_fds;
FORK_HOT struct lineage lineage;
/* The mark of a thread that has left the books; its own vforks take that for theirs. */
#define MARK_LEFT 2
/* Of one that has not been here yet. */
#define MARK_NEW  3
__thread int vfork_mark __attribute__((tls_model("initial-exec"), visibility("hidden"))) =
	MARK_NEW;

static __thread bool left __attribute__((tls_model("initial-exec")));

void books_reserve(void)
{
	struct books *b;

	lineage.pid = (uint32_t)sys_getpid();
	b = sys_mmap(2 * sizeof *b, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1);
	/* Without the wipe a child would write into its parent's books. */
	if (b && sys_madvise(b, 2 * sizeof *b, MADV_WIPEONFORK) == 0) {
		books = b;
		books_fds = b->fds;
	} else {
		notice_add("the kernel is too old (no MADV_WIPEONFORK): not traced",
			   NULL);
	}
}

/* Of a thread that another libc has made (dlmopen), or a clone() that we have not seen, ours does not
 * know. */
static void meet_thread(void)
{
	vfork_mark = 0;
	if (*rmw_alone_at && !thread_is_main())
		rmw_not_alone();
}

bool books_in_vfork_child(void)
{
	if (vfork_mark == MARK_NEW)
		meet_thread();
	if (!vfork_mark)
		return false;
	/* Wiped books mean memory of our own: a child made by a raw clone. */
	if ((uint32_t)sys_getpid() != lineage.pid &&
	    !(trace_map.bytes && books && atomic_load(&books->ready) == BOOKS_CLOSED))
		return true;
	vfork_mark = left ? MARK_LEFT : 0;
	return left;
}

bool books_shared_by_threads(void)
{
	uint64_t threads;

	if (!books_here() || __libc_single_threaded)
		return false;
	threads = proc_threads();
	return threads != 1; /* 0: /proc does not say */
}

void books_leave(void)
{
	int saved = errno;

	left = true;
	vfork_mark = MARK_LEFT;
	notice_add(
		"a thread has taken descriptors of its own (unshare): what it does to them "
		"is not traced",
		NULL);
	notice_flush();
	errno = saved;
}

void books_share_files(void)
{
	int saved = errno;

	if (books_here()) {
		notice_add(
			"a child shares the descriptors, but not the memory (CLONE_FILES "
			"without CLONE_VM): what one does to them is not seen in the "
			"other",
			NULL);
		notice_flush();
	}
	errno = saved;
}

void books_rejoin(void)
{
	left = false;
	vfork_mark = 0;
}

bool books_left(void)
{
	return left;
}

HOT struct books *books_to_end(void)
{
	struct books *b = books_here();

	if (!b && left && books && atomic_load(&books->ready) == BOOKS_READY)
		b = books;
	return b;
}

bool books_are_whole(const struct books *b)
{
	uint32_t tag = atomic_load(&trace_map.extents[b->extent].tag);

	return cw_extent_kind(tag) == CW_EXTENT_PROCESS &&
	       b->process->pid == lineage.owner &&
	       b->process->pid_start == lineage.owner_start &&
	       !(atomic_load(&b->process->flags) & CW_PROCESS_SITES_ONLY);
}

bool books_are_ours(void)
{
	return (uint32_t)sys_getpid() == lineage.pid;
}

void books_close(struct books *b)
{
	atomic_store(&b->ready, BOOKS_NONE);
	for (unsigned i = 0; i < CW_FD_EXTENTS; i++)
		atomic_store(&b->fds[i], NULL);
}

void books_give_up(void)
{
	struct books *b = books;

	books = NULL;
	books_fds = books_no_fds;
	books_close(b);
}

void books_lost(enum cw_lost what)
{
	struct books *b = books;

	if (b && b->process)
		atomic_fetch_add_explicit(&b->process->lost[what], 1,
					  memory_order_relaxed);
}

HOT bool books_begin_opening(struct books *b)
{
	uint32_t closed = BOOKS_CLOSED;

	if (!atomic_compare_exchange_strong(&b->ready, &closed, BOOKS_OPENING))
		return false;
	atomic_store(&b->opener, thread_id());
	return true;
}

HOT uint32_t books_claim_process(uint32_t parent, bool by_parent)
{
	uint32_t extent = by_parent ? extent_claim_for_child(parent) : extent_claim(0);
	struct cw_process *p;

	if (!extent)
		return 0;
	p = extent_bytes(extent);
	p->parent = parent;
	p->started = clock_ns();
	atomic_store_explicit(&p->state, CW_PROCESS_UNBORN, memory_order_relaxed);
	atomic_fetch_add(&trace_map.header->live, 1);
	extent_publish_process(extent);
	return extent;
}

HOT bool books_open_as(struct books *b, uint32_t extent)
{
	struct cw_process *p = extent_bytes(extent);

	if (atomic_load(&p->state) != CW_PROCESS_UNBORN)
		return false;
	p->pid = lineage.pid;
	p->ppid = lineage.ppid;
	p->pid_start = proc_start_ticks_since(lineage.forking);
	p->pid_ns = lineage.pid_ns;
	p->started = clock_ns();
	sys_call(SYS_prctl, PR_GET_NAME, p->comm, 0, 0);
	uring_tell(p);
	atomic_store_explicit(&p->last_event, p->started, memory_order_relaxed);
	atomic_store_explicit(&p->state, CW_PROCESS_LIVE, memory_order_release);
	b->extent = extent;
	b->process = p;
	lineage.extent = extent;
	lineage.owner = p->pid;
	lineage.owner_start = p->pid_start;
	atomic_store_explicit(&b->ready, BOOKS_READY, memory_order_release);
	return true;
}

HOT struct books *books_slow(void)
{
	struct books *b = books;

	if (!b || books_in_vfork_child())
		return NULL;
	switch (atomic_load_explicit(&b->ready, memory_order_acquire)) {
	case BOOKS_READY:
		return b;
	case BOOKS_CLOSED:
		return trace_map.bytes && lineage.extent ? books_open_child(b) : NULL;
	default:
		return NULL;
	}
}

static void make_there(void *argument)
{
	struct books *b = argument;
	uint32_t extent = 0;

	lineage.pid = (uint32_t)sys_getpid();
	lineage.ppid = (uint32_t)sys_call(SYS_getppid, 0, 0, 0, 0);
	lineage.pid_ns = proc_pid_namespace();
	if (!lineage.pid_ns)
		lineage.pid_ns = 1; /* it has children in the same, for the most part */
	if (trace_map.bytes || trace_file_make(init_time())) {
		extent = books_claim_process(0, false);
		if (!extent) {
			trace_file_remove();
			notice_add("no room for the trace: this process is not traced",
				   NULL);
		}
	}
	if (!extent || !books_open_as(b, extent))
		books_close(b);
	notice_flush();
}

/* It takes paths and directory entries on the stack, more than the program's may have left. */
static struct books *make(struct books *b)
{
	struct undisturbed u;

	undisturbed_begin(&u);
	/* A child that was not made by fork(): nothing of it has been here. */
	if (!books_are_ours())
		thread_id_forget();
	if (books_begin_opening(b))
		on_own_stack(make_there, b);
	undisturbed_end(&u);
	return atomic_load(&b->ready) == BOOKS_READY ? b : NULL;
}

/* Another thread makes the trace: a socket that came meanwhile must not be lost. Making it
 * takes a millisecond; one that takes a thousand times as long is given up on. */
static struct books *wait_for_opening(struct books *b)
{
	if (atomic_load(&b->opener) == thread_id())
		return NULL; /* our own, from inside: a library's constructor in dlopen */
	for (int i = 0; i < 2000; i++) {
		if (atomic_load_explicit(&b->ready, memory_order_acquire) !=
		    BOOKS_OPENING)
			return books_here();
		sys_sleep_ms(1);
	}
	return NULL;
}

struct books *books_make(void)
{
	struct books *b;

	init_once();
	b = books;
	if (!b || books_in_vfork_child())
		return NULL;
	if (atomic_load(&b->ready) == BOOKS_CLOSED && make(b))
		return b;
	return atomic_load(&b->ready) == BOOKS_OPENING ? wait_for_opening(b)
						       : books_here();
}
