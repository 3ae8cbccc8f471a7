/* SPDX-License-Identifier: MIT */
/*
 * Installs handlers, and then, where that has left its traces on the stack, opens the process's
 * first socket: its EOF is read and it is leaked.
 *
 * Usage: after_sigaction HOLD_MS
 */
#include <signal.h>

#include "loopback.h"

#define DEPTHS 200

static void handler(int signal)
{
	(void)signal;
}

static __attribute__((noinline)) void install(int depth)
{
	volatile char frame[64] = {0};
	struct sigaction action = {.sa_handler = handler};

	if (depth)
		install(depth - 1 + frame[0]);
	else
		sigaction(SIGUSR1, &action, NULL);
}

static __attribute__((noinline)) void leak(volatile char *room)
{
	int ends[2];
	char byte;

	(void)room;
	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends) && !close(ends[0]), "socketpair");
	must(recv(ends[1], &byte, 1, 0) == 0, "EOF");
}

/* Its buffer is where those frames were, and nothing is written to it. */
static __attribute__((noinline)) void serve(void)
{
	volatile char room[DEPTHS * 256];

	leak(room);
}

int main(int argc, char **argv)
{
	for (int depth = DEPTHS; depth >= 0; depth--)
		install(depth);
	serve();
	hold(argc > 1 ? atoi(argv[1]) : 0);
	return 0;
}
