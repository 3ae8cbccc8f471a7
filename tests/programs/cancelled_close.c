/* SPDX-License-Identifier: MIT */
/*
 * A thread that is cancelled in close(), before the kernel has seen the call: the descriptor,
 * whose EOF it has read, stays open.
 *
 * Usage: cancelled_close HOLD_MS
 */
#include <fcntl.h>
#include <pthread.h>

#include "loopback.h"

static int ends[2];

static void *leak(void *unused)
{
	char byte;

	must(read(ends[1], &byte, 1) == 0, "EOF");
	pthread_cancel(pthread_self());
	close(ends[1]);
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends) && !close(ends[0]), "socketpair");
	must(!pthread_create(&thread, NULL, leak, NULL), "pthread_create");
	must(!pthread_join(thread, NULL), "pthread_join");
	must(fcntl(ends[1], F_GETFD) >= 0, "still open");
	hold(argc > 1 ? atoi(argv[1]) : 0);
	return 0;
}
