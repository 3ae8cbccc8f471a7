/* SPDX-License-Identifier: MIT */
/*
 * Leaks COUNT connections whose EOF it has read and holds them until it is told how to end.
 *
 * Usage: holds_leak COUNT HOLD_MS exit STATUS | fork STATUS | wait [STATUS]
 * exit: after HOLD_MS. fork: so does a child, whose parent exits at once. wait: prints "ready" then, and pauses; SIGTERM's handler exits with
 * STATUS, or there is none.
 */
#include <signal.h>

#include "loopback.h"

static volatile sig_atomic_t status;

static void on_term(int signal)
{
	(void)signal;
	_exit(status);
}

static __attribute__((noinline)) void leak_one(void)
{
	struct pair pair = pair_open();
	char byte;

	must(!close(pair.client) && !close(pair.listener), "close");
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
}

/* With a socket of the parent's there is a trace when it forks. */
static void leave_to_child(void)
{
	pid_t child;

	must(socket(AF_INET, SOCK_STREAM, 0) >= 0, "socket");
	child = fork();
	must(child >= 0, "fork");
	if (child)
		_exit(0);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	if (!strcmp(argv[3], "fork"))
		leave_to_child();
	for (int i = 0; i < atoi(argv[1]); i++)
		leak_one();
	hold(atoi(argv[2]));
	if (strcmp(argv[3], "wait") != 0)
		return argc > 4 ? atoi(argv[4]) : 0;
	if (argc > 4) {
		status = atoi(argv[4]);
		signal(SIGTERM, on_term);
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
