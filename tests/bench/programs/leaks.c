/* SPDX-License-Identifier: MIT */
/*
 * Leaves COUNT accepted sockets open (stub.h), each of them a number behind which there is a
 * connection, and prints how much CPU time it has taken before its exit, in ns.
 *
 * Usage: leaks COUNT
 */
#include <stdint.h>
#include <time.h>

#include "listener.h"
#include "stub.h"

#define FIRST 100

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static __attribute__((noinline)) void leave_one(int listener)
{
	int fd = accept(listener, NULL, NULL);
	char byte;

	must(fd >= 0, "accept");
	must(recv(fd, &byte, 1, 0) == 0, "recv EOF");
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1000;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	stub_begin(FIRST, count, count);
	for (int i = 0; i < count; i++)
		leave_one(listener);
	/* What follows is the exit: whoever started us knows how much it was at the end. */
	printf("%llu\n", (unsigned long long)now());
	fflush(stdout);
	exit(0);
}
