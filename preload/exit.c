/* SPDX-License-Identifier: MIT */
/* Looks, reports and tidies up at the end of a process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "books.h"
#include "clock.h"
#include "collect.h"
#include "emit.h"
#include "end_place.h"
#include "exit.h"
#include "extents.h"
#include "fd_table.h"
#include "final_look.h"
#include "fork_hot.h"
#include "heirs.h"
#include "hooks.h"
#include "init.h"
#include "names.h"
#include "notice.h"
#include "on_stack.h"
#include "options.h"
#include "proc.h"
#include "rare.h"
#include "sys.h"
#include "telling.h"
#include "thread.h"
#include "trace/findings.h"
#include "trace_file.h"
#include "undisturbed.h"
#include "uring.h"

/* How long one dying thread waits for another's report. */
#define WAIT_MS 2000

FORK_HOT static uint64_t leaks_found;

/* What tidy() did, for exit_not_yet(). */
FORK_HOT static struct {
	bool findings;
	bool clean;
	uint64_t opened;
	uint64_t closed;
	uint64_t young;
	uint64_t gone;
} tidied;

struct ending {
	struct books *b;
	enum cw_end how;
	int value;
	const void *context; /* of a signal's handler */
	cw_ref here;
	bool tells; /* there may be something to report, or to be kept all the same */
	struct report_result result;
};

static void no_memory(void)
{
	notice_add("no memory for the report at exit (ulimit -v?)", NULL);
	notice_flush();
}

/* Nobody will read the text: whether there is something to keep must be known. */
static void count_findings(const struct report_process *own,
			   const struct report_options *how, struct report_result *result)
{
	struct findings findings;

	if (findings_build(&findings, own, 1, how) != 0) {
		no_memory();
		return;
	}
	result->leaks = findings.groups.totals.leaks;
	result->findings = findings_count(&findings);
	result->young = findings.groups.totals.young;
	result->undated = findings.groups.totals.undated;
	result->gone = findings.groups.totals.by_verdict[VERDICT_GONE];
	findings_release(&findings);
}

static void write_report(struct ending *e)
{
	struct trace_view view;
	struct emit_buffer text = {0};
	struct symbolizer names = names_symbolizer();
	struct report_process own = {.view = &view, .extent = e->b->extent};
	struct report_options how = {
		.now = e->b->process->ended,
		.show_open = options.show_open,
		.only_findings = !options.show_open,
		.trace_path = options.keep == KEEP_NEVER ? NULL : trace_file_path(),
	};

	if (how.trace_path && !how.trace_path[0])
		how.trace_path = NULL;
	if (trace_view_open(&view, trace_map.bytes, trace_map.size) != 0)
		return;
	if (!emit_wanted()) {
		count_findings(&own, &how, &e->result);
		return;
	}
	if (!emit_open(&text)) {
		no_memory();
		return;
	}
	if (report_text(&own, 1, &how, &names, &text.sink, &e->result) != 0)
		no_memory();
	else if (text.used)
		emit_report(&text);
	emit_close(&text);
}

/* What the report tells of the process itself. Listing /proc/self/fd makes an inode for every
 * descriptor: not for a child that only passes through. */
static void look_at_process(struct cw_process *p)
{
	struct rlimit limit;

	p->fds_open = proc_count_fds();
	if (sys_call(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) == 0)
		p->fd_limit = (uint32_t)(limit.rlim_cur < UINT32_MAX ? limit.rlim_cur
								     : UINT32_MAX);
}

static void mark_ended(struct ending *e)
{
	struct cw_process *p = e->b->process;

	p->ended = clock_ns();
	p->looked = books_left() ? 0 : p->ended;
	p->ended_by = e->how;
	p->end_value = e->value;
	atomic_store_explicit(&p->state, CW_PROCESS_ENDED, memory_order_release);
}

/* Gives back what this process holds in the trace, and the trace itself when nobody needs
 * it. */
HOT static void tidy(struct ending *e)
{
	struct cw_header *h = trace_map.header;
	struct cw_process *p = e->b->process;
	/* `closewait run` reads it before anybody removes it, and may know what we do not. */
	bool by_findings = options.keep == KEEP_LEAKS || options.session[0];
	bool keep = options.keep == KEEP_ALWAYS || (by_findings && e->result.findings) ||
		    (options.session[0] && e->result.undated);

	/* Who was killed, or confined itself and could not say that it ended (sshd's child), must
	 * not keep the trace for ever. Asked once: the first process mostly ends last. */
	if (!p->parent && !keep && !options.session[0] && atomic_load(&h->live) > 1)
		collect_killed();
	tidied.findings = keep;
	tidied.clean = false;
	if (keep)
		atomic_fetch_add(&h->findings, 1);
	if (atomic_fetch_sub(&h->live, 1) == 1 && atomic_load(&h->findings) == 0 &&
	    !options.session[0]) {
		trace_file_remove();
		return;
	}
	if (keep)
		return;
	tidied.clean = true;
	tidied.opened = atomic_load(&p->opened);
	tidied.closed = atomic_load(&p->closed);
	atomic_fetch_add(&h->ended_opened, tidied.opened);
	atomic_fetch_add(&h->ended_closed, tidied.closed);
	tidied.young = e->result.young;
	atomic_fetch_add(&h->ended_young, tidied.young);
	tidied.gone = atomic_load(&p->gone) + e->result.gone;
	atomic_fetch_add(&h->ended_gone, tidied.gone);
	atomic_fetch_add(&h->ended, 1);
	/* Daemon threads may still be in our hooks, and children may use our sites: the
	 * extents are collected by another process, when room is short or it forks. */
	atomic_store(&p->state, CW_PROCESS_CLEAN);
}

/* A fork child on its way to exec has done nothing that could be looked at. */
static bool did_anything(const struct cw_process *p)
{
	return atomic_load(&p->event_next) || atomic_load(&p->lost[CW_LOST_SOCKETS]) ||
	       atomic_load(&p->lost[CW_LOST_FDS]) || atomic_load(&p->exhausted);
}

/* A child that served its connection and closed it is over in no time. */
static bool anything_to_say(struct books *b)
{
	return did_anything(b->process) &&
	       (options.show_open || options.keep == KEEP_ALWAYS ||
		process_tells(b->extent, true));
}

HOT static void finish(void *argument)
{
	struct ending *e = argument;

	if (e->how != CW_END_EXEC)
		heirs_end(e->b);
	if (e->tells && !books_left()) {
		final_look(e->b);
		uring_look(e->b);
	}
	if (e->tells)
		look_at_process(e->b->process);
	if (e->tells && e->how == CW_END_SIGNAL)
		end_place_note(e->b, e->context, e->here);
	mark_ended(e);
	if (e->tells)
		write_report(e);
	leaks_found = e->result.leaks;
	tidy(e);
}

static bool begin(struct books *b)
{
	uint32_t me = thread_id();
	uint32_t nobody = 0;

	if (atomic_compare_exchange_strong(&b->finishing, &nobody, me))
		return true;
	for (int i = 0; i < WAIT_MS / 10 && nobody != me; i++) {
		if (atomic_load(&b->process->state) != CW_PROCESS_LIVE)
			return false;
		sys_sleep_ms(10);
	}
	return false;
}

static uint64_t end(struct ending e)
{
	struct undisturbed u;
	int saved;

	e.b = books_to_end();
	if (!e.b || !books_are_ours())
		return 0;
	notice_flush();
	undisturbed_begin(&u);
	if (!begin(e.b)) {
		e.result.leaks = leaks_found;
	} else {
		e.tells = anything_to_say(e.b);
		if (e.tells) {
			saved = errno;
			on_own_stack(finish, &e);
			errno = saved;
		} else {
			finish(&e);
		}
	}
	undisturbed_end(&u);
	return e.result.leaks;
}

uint64_t exit_before(enum cw_end how, int value)
{
	return end((struct ending){.how = how, .value = value});
}

void exit_by_signal(int sig, const void *context, cw_ref here)
{
	end((struct ending){
		.how = CW_END_SIGNAL, .value = sig, .context = context, .here = here});
}

/* tidy(), backwards. The file may be gone by another process's hand, too: the last one that
 * ended while we were not counted. */
static void untidy(void)
{
	struct cw_header *h = trace_map.header;

	atomic_fetch_add(&h->live, 1);
	if (tidied.findings)
		atomic_fetch_sub(&h->findings, 1);
	if (tidied.clean) {
		atomic_fetch_sub(&h->ended_opened, tidied.opened);
		atomic_fetch_sub(&h->ended_closed, tidied.closed);
		atomic_fetch_sub(&h->ended_young, tidied.young);
		atomic_fetch_sub(&h->ended_gone, tidied.gone);
		atomic_fetch_sub(&h->ended, 1);
	}
	trace_file_check();
}

void exit_not_yet(void)
{
	struct books *b = books_to_end();
	int saved = errno;
	uint32_t state;

	if (!b || atomic_load(&b->finishing) != thread_id())
		return;
	state = books_are_whole(b) ? atomic_load(&b->process->state) : CW_PROCESS_NONE;
	if (state == CW_PROCESS_NONE ||
	    !atomic_compare_exchange_strong(&b->process->state, &state,
					    CW_PROCESS_LIVE)) {
		/* Its extents were given back meanwhile. */
		books_close(b);
		return;
	}
	b->process->ended = 0;
	b->process->ended_by = CW_END_UNKNOWN;
	end_place_forget(b);
	untidy();
	atomic_store(&b->finishing, 0);
	errno = saved;
}

static __thread bool ends_with_fork __attribute__((tls_model("initial-exec")));

void exit_with_fork(bool does)
{
	ends_with_fork = does;
}

void exit_after_fork(void)
{
	if (ends_with_fork)
		exit_before(CW_END__EXIT, 0);
}

int exit_status(uint64_t leaks, int status)
{
	return leaks && options.exitcode > 0 ? options.exitcode : status;
}

HOT void exit_normal(void *unused, int status)
{
	uint64_t leaks;

	(void)unused;
	leaks = exit_before(CW_END_EXIT, status);
	/* exit() from the last handler goes on where it was, and flushes what is
	 * buffered. */
	if (leaks && options.exitcode > 0)
		exit(options.exitcode);
}

void exit_quick(void *unused, int status)
{
	uint64_t leaks;

	(void)unused;
	leaks = exit_before(CW_END_QUICK, status);
	if (leaks && options.exitcode > 0)
		real_get()->_exit(options.exitcode);
}
