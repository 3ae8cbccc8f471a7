/* SPDX-License-Identifier: MIT */
/*
 * A server that forks a child for each connection and forgets its own descriptors of them.
 * Prints the pids of the children.
 *
 * Usage: fork_forgets close|exit|grandchild|never|fair CONNECTIONS
 *   close       each child serves its connection and closes it
 *   exit        each child serves its connection, and its exit closes it
 *   grandchild  a grandchild does, the child having ended (daemon style)
 *   never       the children have no part in it: they close what they inherited, the parent reads
 *               the ends
 *   fair        as close, and the parent closes, too
 */
#include <sys/wait.h>

#include "loopback.h"

#define HOLD 60 /* ms */

static __attribute__((noinline)) void serve(const char *way, int fd)
{
	char byte;

	must(recv(fd, &byte, 1, 0) == 1, "a request");
	must(send(fd, "!", 1, MSG_NOSIGNAL) == 1, "an answer");
	must(recv(fd, &byte, 1, 0) == 0, "EOF");
	if (strcmp(way, "exit"))
		close(fd);
	_exit(0);
}

static void child(const char *way, const struct pair *pair)
{
	close(pair->client);
	close(pair->listener);
	if (!strcmp(way, "never")) {
		close(pair->server);
		_exit(0);
	}
	if (!strcmp(way, "grandchild")) {
		pid_t pid = fork();

		must(pid >= 0, "fork");
		if (pid) {
			must(waitpid(pid, NULL, 0) == pid, "waitpid");
			_exit(0);
		}
		printf("grandchild %d\n", (int)getpid());
		fflush(stdout);
	}
	serve(way, pair->server);
}

static __attribute__((noinline)) void handle(const char *way)
{
	struct pair pair = pair_open();
	pid_t pid;
	char byte;

	must(send(pair.client, "?", 1, MSG_NOSIGNAL) == 1, "request");
	pid = fork();
	must(pid >= 0, "fork");
	if (!pid)
		child(way, &pair);
	printf("child %d\n", (int)pid);
	fflush(stdout);
	if (strcmp(way, "never"))
		must(recv(pair.client, &byte, 1, 0) == 1, "answer");
	close(pair.client);
	close(pair.listener);
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
	if (!strcmp(way, "never"))
		while (recv(pair.server, &byte, 1, 0) > 0)
			;
	if (!strcmp(way, "fair"))
		close(pair.server);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	for (int i = atoi(argv[2]); i; i--)
		handle(argv[1]);
	hold(HOLD);
	return 0;
}
