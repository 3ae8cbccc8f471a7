/* SPDX-License-Identifier: MIT */
/* What poll() and epoll_wait() tell of a peer that has left. */
#include <poll.h>

#include "aside.h"
#include "clock.h"
#include "events.h"
#include "kernel.h"
#include "lifecycle.h"
#include "lifecycle_internal.h"
#include "sites.h"

/* Whatever of these came first has said it; after our own shutdown of reading, RDHUP and HUP tell
 * nothing of the peer. */
#define SAID                                                                        \
	(CW_SOCKET_TOLD_CLAIMED | CW_SOCKET_EOF_CLAIMED | CW_SOCKET_RESET_CLAIMED | \
	 CW_SOCKET_SHUT_RD | CW_SOCKET_LISTENING)

/* HUP is also said of what was never connected, with an error of what failed to be. */
static bool had_a_peer(int fd, uint32_t flags, short events)
{
	if (flags & CW_SOCKET_CONNECTED)
		return true;
	return flags & CW_SOCKET_CONNECTING && !(events & POLLERR) &&
	       kernel_was_connected(fd);
}

/* Since the call returned another thread may have closed the number, and a third one opened it. What
 * the kernel says once of a peer that has left it says ever after: it is asked again. */
static bool is_so(struct books *b, const struct cw_socket *s, int fd, uint64_t entry)
{
	return lifecycle_is_the_one(b, s, fd, entry) && kernel_hung_up(fd);
}

static void note(struct books *b, struct cw_socket *s, int fd, uint64_t entry,
		 short events)
{
	struct cw_aside *a;
	cw_ref site;
	uint64_t now;

	if (!lifecycle_claim(s, CW_SOCKET_TOLD_CLAIMED))
		return;
	now = clock_ns();
	s->told = cw_after_of(s->opened, now);
	site = site_here(b);
	a = aside_of(b, s);
	if (a)
		a->told_site = site;
	atomic_fetch_or_explicit(&s->flags,
				 CW_SOCKET_TOLD | CW_SOCKET_CONNECTED |
					 CW_SOCKET_TOUCHED |
					 (events & POLLHUP ? CW_SOCKET_TOLD_HUP : 0) |
					 (events & POLLERR ? CW_SOCKET_TOLD_ERROR : 0),
				 memory_order_release);
	event_add(b, CW_EVENT_TOLD, now, fd, entry, site);
}

bool lifecycle_told(int fd, short events)
{
	struct books *b = books_here();
	uint64_t entry = b ? fd_entry(b, fd) : 0;
	struct cw_socket *s;
	uint32_t flags;
	bool noted = false;

	if (!entry)
		return false;
	/* Said again and again of who neither reads nor closes. */
	flags = atomic_load_explicit(&entry_socket(entry)->flags, memory_order_relaxed);
	if (flags & SAID)
		return false;
	s = lifecycle_still(b, fd, entry);
	if (!s)
		return false;
	if (s->type == SOCK_STREAM && !lifecycle_is_stand_in(s, fd) &&
	    had_a_peer(fd, flags, events) && is_so(b, s, fd, entry)) {
		note(b, s, fd, entry, events);
		noted = true;
	}
	socket_unpin(b, s);
	return noted;
}
