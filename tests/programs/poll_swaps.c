/* SPDX-License-Identifier: MIT */
/* A library behind closewait's: when poll() has told of a peer, another thread might give the number
 * to another socket. This does. */
#include <dlfcn.h>
#include <poll.h>
#include <unistd.h>

extern int poll_swap_in;
int poll_swap_in = -1;

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	int (*next)(struct pollfd *, nfds_t, int) =
		(int (*)(struct pollfd *, nfds_t, int))dlsym(RTLD_NEXT, "poll");
	int n = next(fds, count, timeout);

	for (nfds_t i = 0; n > 0 && i < count && poll_swap_in >= 0; i++) {
		if (fds[i].revents & POLLRDHUP && dup2(poll_swap_in, fds[i].fd) < 0)
			return -1;
	}
	return n;
}
