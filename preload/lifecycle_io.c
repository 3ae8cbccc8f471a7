/* SPDX-License-Identifier: MIT */
/* What reading and writing tell: first uses, EOF, resets, shutdown. */
#include "aside.h"
#include "clock.h"
#include "events.h"
#include "kernel.h"
#include "lifecycle.h"
#include "lifecycle_internal.h"
#include "rare.h"
#include "rmw.h"
#include "site_stats.h"
#include "sites.h"
#include "trust.h"

struct cw_socket *lifecycle_still(struct books *b, int fd, uint64_t entry)
{
	return entry && fd_entry(b, fd) == entry ? socket_pin(entry) : NULL;
}

bool lifecycle_claim(struct cw_socket *s, uint32_t bit)
{
	return lifecycle_claim_with(s, bit, 0);
}

bool lifecycle_claim_with(struct cw_socket *s, uint32_t bit, uint32_t more)
{
	return !(atomic_load_explicit(&s->flags, memory_order_relaxed) & bit) &&
	       !(rmw_fetch_or32(&s->flags, bit | more) & bit);
}

/* The pinned record a call was about; adopts what only this call shows to be a socket, and puts
 * its entry into *entry: what stands behind fd a moment later may be another thread's. */
static struct cw_socket *subject(struct books **b, const struct transfer *t,
				 uint64_t *entry, ssize_t n)
{
	bool adopts = !t->entry && t->is_socket && n >= 0;

	*b = adopts ? books_for_socket() : books_here();
	if (!*b)
		return NULL;
	*entry = adopts ? lifecycle_adopt(*b, t->fd) : t->entry;
	return lifecycle_still(*b, t->fd, *entry);
}

static void last_call(struct cw_socket *s, enum cw_call call, ssize_t n)
{
	lifecycle_last_call(s, call, n < 0 ? -errno : (int32_t)n);
	if (!(lifecycle_flags(s) & CW_SOCKET_TOUCHED))
		rmw_or32(&s->flags, CW_SOCKET_TOUCHED);
}

static bool is_eof(const struct cw_socket *s, const struct transfer *t)
{
	return s->type == SOCK_STREAM && t->asked &&
	       !(t->flags & (MSG_ERRQUEUE | MSG_OOB)) &&
	       !(atomic_load_explicit(&s->flags, memory_order_relaxed) &
		 CW_SOCKET_SHUT_RD);
}

HOT bool lifecycle_is_the_one(struct books *b, const struct cw_socket *s, int fd,
			      uint64_t entry)
{
	uint64_t there = s->cookie ? kernel_cookie(fd) : 0;

	if (there == s->cookie)
		return true;
	/* An adopted one that nobody stands in for may be in the hands of who closes it and has its
	 * own record. */
	if ((there || s->origin != CW_ORIGIN_ADOPTED) && fd_forget(b, fd, entry))
		lifecycle_gone(b, entry);
	return false;
}

static void note_eof(struct books *b, struct cw_socket *s, int fd, uint64_t entry)
{
	uint32_t times;

	if (lifecycle_is_stand_in(s, fd))
		return;
	times = rmw_fetch_add32(&s->eofs, 1) + 1;
	if (times == 1 && !trusts(b, s) && !lifecycle_is_the_one(b, s, fd, entry))
		return;
	if (lifecycle_claim(s, CW_SOCKET_EOF_CLAIMED)) {
		s->eof = clock_ns();
		s->eof_site = site_here(b);
		rmw_or32(&s->flags, CW_SOCKET_EOF | CW_SOCKET_CONNECTED);
		event_add(b, CW_EVENT_EOF, s->eof, fd, entry, s->eof_site);
	} else if (times == CW_EOF_SPIN && lifecycle_is_the_one(b, s, fd, entry)) {
		site_stats_spin(s->stats, s->eof_site);
	}
}

RARE static void note_reset(struct books *b, struct cw_socket *s, int fd, uint64_t entry,
			    int error)
{
	uint32_t flags = atomic_load_explicit(&s->flags, memory_order_relaxed);
	struct cw_aside *a;
	cw_ref site;
	uint64_t now;

	/* EPIPE after our own shutdown is our own doing. Where connect() did not wait, it may be
	 * the attempt that timed out: there was no connection, and the next one may succeed. */
	if (s->type != SOCK_STREAM || flags & CW_SOCKET_RESET_CLAIMED ||
	    lifecycle_is_stand_in(s, fd) ||
	    (error == EPIPE && flags & CW_SOCKET_SHUT_WR) ||
	    (error == ETIMEDOUT && !(flags & CW_SOCKET_CONNECTED) &&
	     !kernel_was_connected(fd)) ||
	    !lifecycle_is_the_one(b, s, fd, entry) ||
	    !lifecycle_claim(s, CW_SOCKET_RESET_CLAIMED))
		return;
	now = clock_ns();
	s->reset = cw_after_of(s->opened, now);
	site = site_here(b);
	a = aside_of(b, s);
	if (a)
		a->reset_site = site;
	/* A write to a socket that was never connected is EPIPE too. */
	atomic_fetch_or_explicit(
		&s->flags,
		CW_SOCKET_RESET | (flags & CW_SOCKET_EOF ? 0 : CW_SOCKET_RESET_FIRST) |
			(error != EPIPE ? CW_SOCKET_CONNECTED : 0),
		memory_order_release);
	event_add(b, CW_EVENT_RESET, now, fd, entry, site);
}

/* The end of a connection. EHOSTUNREACH and its like may pass. EPIPE is an error of writing:
 * splice() from a socket says it of the pipe. */
static bool is_reset(int error, bool writing)
{
	return error == ECONNRESET || error == ETIMEDOUT || (error == EPIPE && writing);
}

static void note_first_read(struct books *b, struct cw_socket *s, bool peeked, ssize_t n)
{
	if (lifecycle_claim_with(s, CW_SOCKET_FIRST_READ, CW_SOCKET_CONNECTED))
		s->first_read_site = site_here(b);
	if (!peeked)
		rmw_add64(&s->bytes_in, (uint64_t)n);
}

HOT static APART ssize_t note_read(const struct transfer *t, ssize_t n)
{
	struct books *b;
	uint64_t entry;
	struct cw_socket *s = subject(&b, t, &entry, n);

	if (!s)
		return n;
	if (n > 0)
		note_first_read(b, s, t->flags & MSG_PEEK, n);
	else if (n == 0 && is_eof(s, t))
		note_eof(b, s, t->fd, entry);
	else if (n < 0)
		note_reset(b, s, t->fd, entry, errno);
	last_call(s, CW_CALL_READ, n);
	socket_unpin(b, s);
	return n;
}

HOT ssize_t lifecycle_read_event(const struct transfer *t, ssize_t n)
{
	return n >= 0 || is_reset(errno, false) ? note_read(t, n) : n;
}

static void note_write(struct books *b, struct cw_socket *s, ssize_t n)
{
	if (lifecycle_claim_with(s, CW_SOCKET_FIRST_WRITE, CW_SOCKET_CONNECTED))
		s->first_write_site = site_here(b);
	if (atomic_load_explicit(&s->flags, memory_order_relaxed) & CW_SOCKET_EOF) {
		atomic_store_explicit(&s->moved, cw_after_of(s->opened, clock_ns()),
				      memory_order_relaxed);
		atomic_fetch_or(&s->flags, CW_SOCKET_WROTE_AFTER_EOF);
	}
	rmw_add64(&s->bytes_out, (uint64_t)n);
}

HOT static APART ssize_t note_written(const struct transfer *t, ssize_t n)
{
	struct books *b;
	uint64_t entry;
	struct cw_socket *s = subject(&b, t, &entry, n);

	if (!s)
		return n;
	if (n > 0)
		note_write(b, s, n);
	else
		note_reset(b, s, t->fd, entry, errno);
	last_call(s, CW_CALL_WRITE, n);
	socket_unpin(b, s);
	return n;
}

HOT ssize_t lifecycle_written_event(const struct transfer *t, ssize_t n)
{
	return n > 0 || (n < 0 && is_reset(errno, true)) ? note_written(t, n) : n;
}

/* The call was about the stream, so that no entry could be had before it: the kernel is asked
 * whether the socket that has the number now is at its end, too. */
void lifecycle_stdio_eof(int fd)
{
	struct transfer t;

	if (lifecycle_reading(&t, fd, 1, 0, false) &&
	    (atomic_load_explicit(&entry_socket(t.entry)->eofs, memory_order_relaxed) ||
	     kernel_hung_up(fd)))
		lifecycle_read(&t, 0);
}

void lifecycle_read_messages(struct transfer *t, const struct mmsghdr *messages, int n)
{
	if (n < 0)
		lifecycle_read(t, n);
	for (int i = 0; i < n; i++) {
		const struct msghdr *m = &messages[i].msg_hdr;
		ssize_t size = messages[i].msg_len;

		t->asked = size == 0 ? room_in(m->msg_iov, m->msg_iovlen) : 1;
		lifecycle_read(t, size);
	}
}

void lifecycle_written_messages(const struct transfer *t, const struct mmsghdr *messages,
				int n)
{
	if (n < 0)
		lifecycle_written(t, n);
	for (int i = 0; i < n; i++)
		lifecycle_written(t, messages[i].msg_len);
}

void lifecycle_shutdown(int fd, uint64_t entry, int how)
{
	struct books *b = books_here();
	struct cw_socket *s = b ? lifecycle_still(b, fd, entry) : NULL;
	uint32_t bits = (how != SHUT_WR ? CW_SOCKET_SHUT_RD : 0) |
			(how != SHUT_RD ? CW_SOCKET_SHUT_WR : 0);

	if (!s)
		return;
	if (lifecycle_claim(s, CW_SOCKET_SHUT_CLAIMED)) {
		cw_ref site = site_here(b);
		struct cw_aside *a = aside_of(b, s);

		if (a)
			a->shutdown_site = site;
		event_add(b, CW_EVENT_SHUTDOWN, clock_ns(), fd, entry, site);
	}
	atomic_fetch_or_explicit(&s->flags, bits | CW_SOCKET_TOUCHED,
				 memory_order_release);
	socket_unpin(b, s);
}
