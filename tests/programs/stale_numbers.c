/* SPDX-License-Identifier: MIT */
/*
 * A thread that uses a number again and again, whoever's it is: it looks at what has come by it.
 * Meanwhile the main thread opens pairs, of which one end has that number, and closes them. Prints
 * what was opened and closed.
 *
 * Usage: stale_numbers PAIRS
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "loopback.h"

static _Atomic int stop;
static _Atomic unsigned seen;

static void *use(void *number)
{
	char byte;

	while (!stop)
		if (recv(*(int *)number, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
			seen++;
	return NULL;
}

int main(int argc, char **argv)
{
	int pairs = argc > 1 ? atoi(argv[1]) : 0;
	pthread_t thread;
	int ends[2];
	int number;

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	number = ends[0];
	must(!close(ends[0]) && !close(ends[1]), "close");
	must(!pthread_create(&thread, NULL, use, &number), "pthread_create");
	for (int i = 0; i < pairs; i++) {
		must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
		must(ends[0] == number, "the same number");
		must(!close(ends[1]) && !close(ends[0]), "close");
	}
	stop = 1;
	pthread_join(thread, NULL);
	printf("opened %d closed %d seen %u\n", 2 * pairs + 2, 2 * pairs + 2, seen);
	return 0;
}
