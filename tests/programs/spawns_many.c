/* SPDX-License-Identifier: MIT */
/*
 * Holds 700 sockets, forks 240 children that exec and stay, and leaks one connection whose EOF it
 * has read.
 */
#include <signal.h>

#include "loopback.h"

#define CHILDREN 240

static pid_t spawn(void)
{
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (!pid) {
		execl("/bin/sleep", "sleep", "60", (char *)NULL);
		_exit(1);
	}
	return pid;
}

int main(void)
{
	pid_t pids[CHILDREN];
	struct pair pair;
	char byte;

	for (int i = 0; i < 700; i++)
		must(socket(AF_INET, SOCK_STREAM, 0) >= 0, "socket");
	for (int i = 0; i < CHILDREN; i++) {
		/* What has been replaced for a second counts as gone. */
		if (i == CHILDREN / 2)
			hold(1200);
		pids[i] = spawn();
	}
	pair = pair_open();
	close(pair.client);
	await_readable(pair.server);
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
	hold(60);
	for (int i = 0; i < CHILDREN; i++)
		kill(pids[i], SIGKILL);
	return 0;
}
