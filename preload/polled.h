/* SPDX-License-Identifier: MIT */
/*
 * What comes back from the calls that wait, for their hooks and that of syscall(). Each function
 * returns what the call returned.
 */
#pragma once

#include <poll.h>
#include <sys/epoll.h>

#include "lifecycle.h"
#include "watches.h"

/* poll() and epoll have them in common. POLLERR alone need not be an end: TCP's zero-copy sending
 * uses it. */
#define PEER_LEFT (POLLRDHUP | POLLHUP)

static_assert(EPOLLRDHUP == POLLRDHUP && EPOLLHUP == POLLHUP && EPOLLERR == POLLERR,
	      "one word for both");

static inline int polled(const struct pollfd *fds, nfds_t count, int n)
{
	int left = n;

	for (nfds_t i = 0; left > 0 && i < count; i++) {
		if (!fds[i].revents)
			continue;
		left--;
		if (__builtin_expect(fds[i].revents & PEER_LEFT, 0))
			lifecycle_told(fds[i].fd, fds[i].revents);
	}
	return n;
}

/* What a hook of epoll_wait() and its like keeps until the call is back. */
struct epolling {
	const struct epoll_event *events;
	int epoll;
};

static inline void epolling(struct epolling *e, int epoll,
			    const struct epoll_event *events)
{
	*e = (struct epolling){events, epoll};
	IN_MEMORY(*e);
}

/* Some of the n events say that a peer has left. */
RARE int epolled_left(const struct epolling *e, int n);

static inline int epolled(const struct epolling *e, int n)
{
	const struct epoll_event *events = e->events;
	uint32_t all = 0;

	for (int i = 0; i < n; i++)
		all |= events[i].events;
	if (__builtin_expect(all & PEER_LEFT, 0))
		return epolled_left(e, n);
	return n;
}

/* After epoll_ctl(): only now is it known that the program's event can be read. `entry` is that of
 * fd before the call. */
static inline int watched(int epoll, int change, int fd, uint64_t entry,
			  const struct epoll_event *event, int r)
{
	if (r != 0 || !entry)
		return r;
	if (change == EPOLL_CTL_DEL)
		watches_drop(epoll, fd);
	else
		watches_set(epoll, fd, entry, event->data.u64);
	return r;
}
