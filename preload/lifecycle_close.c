/* SPDX-License-Identifier: MIT */
/* How sockets leave the process. */
#include "aside.h"
#include "clock.h"
#include "double_close.h"
#include "events.h"
#include "heirs.h"
#include "kernel.h"
#include "late.h"
#include "lifecycle.h"
#include "lifecycle_internal.h"
#include "options.h"
#include "rare.h"
#include "rmw.h"
#include "site_stats.h"
#include "sites.h"
#include "trace/verdict.h"
#include "trust.h"
#include "twins.h"

#define NO_DWELL UINT64_MAX

/* No close that comes sooner is late, however short grace is: an ordinary one comes within
 * microseconds of the EOF, and on a busy machine a few turns of the scheduler later. */
#define LATE_AT_LEAST 100000000ull /* ns */

static void count_gone(struct books *b, struct cw_socket *s, uint64_t entry)
{
	/* It had been closed by another thread, which has counted that, before it was adopted. */
	if (atomic_load(&s->flags) & CW_SOCKET_UNSETTLED) {
		twin_uncount(b, s);
		return;
	}
	trust_ends();
	if (s->origin != CW_ORIGIN_INHERITED)
		atomic_fetch_add_explicit(&b->process->gone, 1, memory_order_relaxed);
	site_stats_gone(s->stats);
	event_add(b, CW_EVENT_GONE, clock_ns(), s->fd, entry, 0);
}

void lifecycle_drop(struct books *b, uint64_t entry)
{
	bool last = false;
	struct cw_socket *s = socket_trade(entry, &last);

	if (!s)
		return;
	if (last)
		count_gone(b, s, entry);
	socket_unpin(b, s);
}

void lifecycle_gone(struct books *b, uint64_t entry)
{
	lifecycle_drop(b, entry);
}

static uint64_t learned_dwell(const struct cw_socket *s, uint64_t now)
{
	uint32_t flags = atomic_load_explicit(&s->flags, memory_order_acquire);
	uint64_t moved = cw_after_ns(
		s->opened, atomic_load_explicit(&s->moved, memory_order_relaxed));
	uint64_t since;

	if (flags & CW_SOCKET_EOF)
		since = moved > s->eof ? moved : s->eof;
	else if (flags & CW_SOCKET_RESET)
		since = cw_after_ns(s->opened, s->reset);
	else if (flags & CW_SOCKET_TOLD)
		since = cw_after_ns(s->opened, s->told);
	else
		return NO_DWELL;
	return now > since ? now - since : 0;
}

/* A child that was forked for one connection may work on when the peer has left, close it and
 * exit: whatever it closes itself lies within a second of its end. */
static uint64_t late_after(const struct cw_socket *s)
{
	uint64_t least = options.grace > LATE_AT_LEAST ? options.grace : LATE_AT_LEAST;

	if (s->origin == CW_ORIGIN_INHERITED && options.slow_close > least)
		return options.slow_close;
	return least;
}

static bool is_beyond(uint64_t dwell, uint64_t limit)
{
	return dwell != NO_DWELL && dwell >= limit;
}

/* The kernel's word for a socket that goes away late: its look is in the trace before the
 * close. NULL: no room. */
RARE static struct cw_look *look_before_close(struct books *b, struct cw_socket *s,
					      int fd)
{
	struct cw_look *look = s->look ? ref_pointer(s->look)
				       : extent_carve(&b->looks_extent, b->extent,
						      CW_EXTENT_LOOKS, sizeof *look);

	if (!look) {
		books_lost(CW_LOST_LOOKS);
		return NULL;
	}
	kernel_look(b, fd, s, look);
	s->look = pointer_ref(look);
	return look;
}

/* Would the socket be a leak if it were left open? If not, nothing is late: it is still sending,
 * or connected, or waits in a client's pool. */
RARE static bool would_leak(const struct cw_socket *s, const struct cw_look *look)
{
	struct verdict_context now = {
		.moment = look->taken,
		.slow_close = options.slow_close,
		.alive = true,
	};
	struct verdict_detail detail;

	verdict_of(s, look, &now, &detail);
	return detail.leak;
}

/* The time since the peer's FIN that the kernel vouches for. */
RARE static uint64_t kernel_dwell(const struct closing *c, const struct cw_socket *s)
{
	uint64_t age = c->now - s->opened;
	uint64_t at_least;

	if (!kernel_peer_closed(c->fd, s, &at_least))
		return NO_DWELL;
	return at_least < age ? at_least : age;
}

/* Nobody learned of a FIN: the kernel is asked, unless the socket is too young to matter. */
static uint64_t unlearned_dwell(const struct closing *c, const struct cw_socket *s)
{
	if (c->now - s->opened < options.grace || s->type != SOCK_STREAM ||
	    atomic_load(&s->flags) & CW_SOCKET_LISTENING)
		return NO_DWELL;
	return kernel_dwell(c, s);
}

/* Is this where the program closes such sockets anyhow? Then it is no sweep of its exit, late as
 * it may come. Closes of one sweep come together, the living with the dead: what was closed here
 * just now proves nothing. */
RARE static bool on_ordinary_path(const struct closing *c, const struct cw_socket *s)
{
	return site_stats_in_time(s->stats, c->site, c->now - late_after(s));
}

/* The FIN may have waited for long before its EOF was read or told of. Asked only where that can make the
 * close a slow one; once we have written, the last acknowledgement tells nothing of the FIN. */
static uint64_t dwell_from_fin(const struct closing *c, const struct cw_socket *s)
{
	uint32_t flags = atomic_load(&s->flags);
	uint64_t dwell;

	if (!(flags & (CW_SOCKET_EOF | CW_SOCKET_TOLD)) ||
	    flags & CW_SOCKET_WROTE_AFTER_EOF || c->dwell >= options.slow_close ||
	    c->now - s->opened < options.slow_close)
		return c->dwell;
	dwell = kernel_dwell(c, s);
	return dwell != NO_DWELL && dwell > c->dwell ? dwell : c->dwell;
}

/* A connection that was closed because its Python object was collected, while Python code ran: what
 * the interpreter collects when it ends is its end's doing. */
static bool is_collected(const struct closing *c, const struct cw_socket *s)
{
	const struct cw_site *site = ref_pointer(c->site);

	return c->site && site->flags & CW_SITE_COLLECTED &&
	       site->frames[0].flags & CW_FRAME_PYTHON && s->type == SOCK_STREAM &&
	       (s->origin == CW_ORIGIN_ACCEPT || s->origin == CW_ORIGIN_CONNECT) &&
	       atomic_load(&s->flags) & CW_SOCKET_CONNECTED;
}

/* Everything that must be learned before the number is given back. False: the number had
 * been another file's already. What was passed on is not over with this close: whoever got it
 * closes it. */
static bool prepare(struct closing *c, struct cw_socket *s)
{
	const struct cw_look *look = NULL;

	if (atomic_load(&s->flags) & CW_SOCKET_SENT) {
		c->dwell = NO_DWELL;
		c->site = site_here(c->b);
		return true;
	}
	if (c->dwell == NO_DWELL)
		c->dwell = unlearned_dwell(c, s);
	c->late = is_beyond(c->dwell, late_after(s));
	c->dwell = dwell_from_fin(c, s);
	c->slow = is_beyond(c->dwell, options.slow_close);
	if (c->late || c->slow)
		look = look_before_close(c->b, s, c->fd);
	if (look && look->flags & CW_LOOK_GONE)
		return false;
	if (look && !would_leak(s, look)) {
		c->dwell = NO_DWELL;
		c->late = c->slow = false;
	}
	c->site = site_here(c->b);
	c->late = c->late && !on_ordinary_path(c, s);
	c->collected = is_collected(c, s);
	return true;
}

HOT struct closing lifecycle_release(int fd)
{
	struct books *b = books_here();
	struct closing c = {.b = b, .fd = fd};
	struct cw_socket *s;

	if (!b)
		return c;
	double_close_step(b, fd);
	c.entry = fd_take(b, fd);
	s = socket_owned(c.entry);
	if (!s) {
		c.entry = 0;
		return c;
	}
	c.now = clock_ns();
	c.dwell = learned_dwell(s, c.now);
	if (cw_word_refs(atomic_load(&s->word)) == 1 && !prepare(&c, s)) {
		lifecycle_drop(b, c.entry);
		c.entry = 0;
	}
	return c;
}

static void fold(const struct closing *c, struct cw_socket *s)
{
	uint32_t flags = atomic_load(&s->flags);
	struct site_close what = {
		.close_site = c->site,
		.eof_seen = flags & CW_SOCKET_EOF,
		.slow = c->slow,
		.late = c->late,
		.collected = c->collected,
		.peer_left =
			c->dwell != NO_DWELL || flags & (CW_SOCKET_EOF | CW_SOCKET_RESET),
		.now = c->now,
		.dwell = c->dwell,
	};

	if (s->origin != CW_ORIGIN_INHERITED)
		rmw_add64(&c->b->process->closed, 1);
	site_stats_closed(s->stats, &what);
	event_add(c->b, CW_EVENT_CLOSE, c->now, c->fd, c->entry, c->site);
	heirs_closed(s);
	if (c->slow)
		atomic_fetch_or(&s->flags, CW_SOCKET_SLOW);
	if (c->collected)
		atomic_fetch_or(&s->flags, CW_SOCKET_COLLECTED);
}

RARE static void keep_late(const struct closing *c, struct cw_socket *s)
{
	struct cw_aside *a = aside_of(c->b, s);

	s->closed = cw_after_of(s->opened, c->now);
	if (a)
		a->close_site = c->site;
	atomic_fetch_or_explicit(&s->flags, CW_SOCKET_LATE, memory_order_release);
	late_keep(c->b, s);
}

HOT void lifecycle_closed(const struct closing *c)
{
	bool last = false;
	struct cw_socket *s = socket_trade(c->entry, &last);

	if (!s) {
		if (c->b)
			double_close_other(c->b, c->fd);
		return;
	}
	double_close_socket(c->b, c->fd);
	if (last) {
		fold(c, s);
		if (c->late)
			keep_late(c, s);
	}
	socket_unpin(c->b, s);
}

void lifecycle_reclaim(const struct closing *c)
{
	if (c->entry && !fd_put_back(c->b, c->fd, c->entry))
		lifecycle_drop(c->b, c->entry);
}

/* Linux has closed it even when close() fails (EINTR, EIO, ENOSPC, EDQUOT); only a filter
 * that refuses the call leaves it open, and EBADF says that it was closed before. */
RARE static void close_failed(const struct closing *c, int error)
{
	struct books *b = c->b;

	if (error == ENOSYS || error == EPERM || error == EACCES)
		lifecycle_reclaim(c);
	else if (error != EBADF)
		lifecycle_closed(c);
	else if (c->entry)
		lifecycle_drop(b, c->entry);
	else if (b)
		double_close_note(b, c->fd);
}

/* Where it has not failed errno is not looked at, which would take a fork's child a page of libc: nothing
 * here sets it. */
void lifecycle_close_ended(const struct closing *c, int r)
{
	int saved;

	if (r == 0) {
		if (c->entry)
			twin_closed(c->b, entry_socket(c->entry), c->fd);
		lifecycle_closed(c);
		return;
	}
	saved = errno;
	close_failed(c, saved);
	errno = saved;
}
