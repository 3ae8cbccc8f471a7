/* SPDX-License-Identifier: MIT */
/*
 * A server that has forked many children, one after the other, before it leaks 200 connections
 * whose EOF it has read.
 *
 * Usage: forks_many COUNT killed|leaking|forking|failing
 *   killed:  each opens a socket and dies by SIGKILL
 *   leaking: each leaks a connection and dies by SIGKILL
 *   forking: each forks a child of its own, and both exit
 *   failing: there is none: fork fails with EAGAIN
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "loopback.h"

static void leak(void)
{
	struct pair pair = pair_open();
	char byte;

	close(pair.listener);
	close(pair.client);
	await_readable(pair.server);
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
}

static void fork_and_exit(void)
{
	pid_t pid = fork();

	must(pid >= 0, "fork in a child");
	if (pid)
		waitpid(pid, NULL, 0);
	_exit(0);
}

static void child(const char *kind)
{
	if (!strcmp(kind, "forking"))
		fork_and_exit();
	if (!strcmp(kind, "leaking"))
		leak();
	else
		must(socket(AF_INET, SOCK_STREAM, 0) >= 0, "socket");
	raise(SIGKILL);
}

/* The limit does not hold for root. */
static void forbid_forks(void)
{
	struct rlimit none = {1, 1};

	must(geteuid() || !setuid(65534), "setuid");
	must(!setrlimit(RLIMIT_NPROC, &none), "RLIMIT_NPROC");
}

int main(int argc, char **argv)
{
	struct pair held = pair_open();
	int failed = 0;

	if (argc < 3)
		return 2;
	if (!strcmp(argv[2], "failing"))
		forbid_forks();
	for (int i = 0; i < atoi(argv[1]); i++) {
		pid_t pid = fork();

		if (!pid)
			child(argv[2]);
		if (pid < 0)
			failed += errno == EAGAIN;
		else
			waitpid(pid, NULL, 0);
	}
	printf("%d failed\n", failed);
	fflush(stdout);
	for (int i = 0; i < 200; i++)
		leak();
	hold(60);
	close(held.client);
	return 0;
}
