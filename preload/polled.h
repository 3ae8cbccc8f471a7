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

static inline int epolled(int epoll, const struct epoll_event *events, int n)
{
	for (int i = 0; i < n; i++) {
		if (__builtin_expect(events[i].events & PEER_LEFT, 0))
			watches_told(epoll, events[i].data.u64, events[i].events);
	}
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
