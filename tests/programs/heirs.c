/* SPDX-License-Identifier: MIT */
/*
 * A connection that a child opened is leaked by its own child, long after it has ended itself
 * and others have taken its place in the trace.
 */
#include <sys/wait.h>

#include "loopback.h"

static __attribute__((noinline)) struct pair opened_by_the_child(void)
{
	struct pair pair = pair_open();

	close(pair.listener);
	return pair;
}

static __attribute__((noinline)) void opened_by_others(void)
{
	struct pair pair = pair_open();

	close(pair.listener);
	close(pair.client);
	close(pair.server);
}

static void heir(const struct pair *pair, const int *end)
{
	char byte;

	close(end[1]);
	close(pair->client);
	must(read(end[0], &byte, 1) == 0, "the word to end");
	must(recv(pair->server, &byte, 1, 0) == 0, "EOF");
	hold(60);
	exit(0);
}

static void child(const int *end)
{
	struct pair pair = opened_by_the_child();
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (!pid)
		heir(&pair, end);
	close(pair.client);
	close(pair.server);
	_exit(0);
}

static pid_t fork_one(void)
{
	pid_t pid = fork();

	must(pid >= 0, "fork");
	return pid;
}

int main(void)
{
	struct pair held = pair_open();
	int end[2], finished[2];
	char byte;

	must(!pipe(end) && !pipe(finished), "pipe");
	if (!fork_one())
		child(end);
	must(wait(NULL) > 0, "the child");
	for (int i = 0; i < 40; i++) {
		if (!fork_one()) {
			opened_by_others();
			_exit(0);
		}
		must(wait(NULL) > 0, "the others");
	}
	close(end[0]);
	close(end[1]);
	close(finished[1]);
	/* Its end of the pipe goes when the heir does. */
	must(read(finished[0], &byte, 1) == 0, "the heir's end");
	close(held.client);
	close(held.server);
	return 0;
}
