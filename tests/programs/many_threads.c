/* SPDX-License-Identifier: MIT */
/*
 * A thread for each connection, one after another, as a threaded server has them.
 *
 * Usage: many_threads COUNT
 */
#include <pthread.h>

#include "loopback.h"

static void *serve(void *unused)
{
	int ends[2];
	char byte = 'x';

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	must(send(ends[0], &byte, 1, 0) == 1 && recv(ends[1], &byte, 1, 0) == 1,
	     "a byte");
	must(!close(ends[0]) && !close(ends[1]), "close");
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	for (int i = 0; i < (argc > 1 ? atoi(argv[1]) : 1); i++) {
		must(!pthread_create(&thread, NULL, serve, NULL), "pthread_create");
		pthread_join(thread, NULL);
	}
	return 0;
}
