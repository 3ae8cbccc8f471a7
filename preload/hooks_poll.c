/* SPDX-License-Identifier: MIT */
/*
 * Hooks of the calls that wait: poll() and epoll_wait() say with RDHUP and HUP that a peer has
 * left. Where they say nothing of the kind, what they returned is looked through and that is all.
 *
 * select() is not among them: all it can say of a peer's FIN is that there is something to read,
 * as it says of data. (Its exceptional condition is TCP's urgent data.)
 */
#include "hooks.h"
#include "polled.h"

CW_HOOK int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	return polled(fds, count, real_get()->poll(fds, count, timeout));
}

CW_HOOK int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room)
{
	return polled(fds, count, real_get()->__poll_chk(fds, count, timeout, room));
}

CW_HOOK int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		  const sigset_t *mask)
{
	return polled(fds, count, real_get()->ppoll(fds, count, timeout, mask));
}

CW_HOOK int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
			const sigset_t *mask, size_t room)
{
	return polled(fds, count,
		      real_get()->__ppoll_chk(fds, count, timeout, mask, room));
}

int epolled_left(const struct epolling *e, int n)
{
	for (int i = 0; i < n; i++) {
		if (e->events[i].events & PEER_LEFT)
			watches_told(e->epoll, e->events[i].data.u64,
				     e->events[i].events);
	}
	return n;
}

CW_HOOK int epoll_wait(int epoll, struct epoll_event *events, int room, int timeout)
{
	const struct real *next = real_get();
	struct epolling e;

	epolling(&e, epoll, events);
	return epolled(&e, next->epoll_wait(epoll, events, room, timeout));
}

CW_HOOK int epoll_pwait(int epoll, struct epoll_event *events, int room, int timeout,
			const sigset_t *mask)
{
	const struct real *next = real_get();
	struct epolling e;

	epolling(&e, epoll, events);
	return epolled(&e, next->epoll_pwait(epoll, events, room, timeout, mask));
}

CW_HOOK int epoll_pwait2(int epoll, struct epoll_event *events, int room,
			 const struct timespec *timeout, const sigset_t *mask)
{
	const struct real *next = real_get();
	struct epolling e;

	epolling(&e, epoll, events);
	if (!next->epoll_pwait2) {
		errno = ENOSYS;
		return -1;
	}
	return epolled(&e, next->epoll_pwait2(epoll, events, room, timeout, mask));
}

CW_HOOK int epoll_create(int size)
{
	int epoll = real_get()->epoll_create(size);

	watches_begin(epoll);
	return epoll;
}

CW_HOOK int epoll_create1(int flags)
{
	int epoll = real_get()->epoll_create1(flags);

	watches_begin(epoll);
	return epoll;
}

CW_HOOK int epoll_ctl(int epoll, int change, int fd, struct epoll_event *event)
{
	uint64_t entry = lifecycle_entry(fd);

	return watched(epoll, change, fd, entry, event,
		       real_get()->epoll_ctl(epoll, change, fd, event));
}
