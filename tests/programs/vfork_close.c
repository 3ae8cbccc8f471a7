/* SPDX-License-Identifier: MIT */
/*
 * Leaks one connection whose EOF it has read and keeps another one open, while vfork
 * children, in its memory but with descriptors of their own, close both and leave by exec
 * or by _exit. Nothing of that is the parent's.
 *
 * Usage: vfork_close HOLD_MS exec|_exit
 */
#include <sys/wait.h>

#include "loopback.h"

static void child_comes_and_goes(struct pair *leaked, struct pair *held, int by_exec)
{
	int status;
	pid_t pid = vfork();

	if (!pid) {
		close(leaked->server);
		close(leaked->listener);
		close(held->server);
		close(held->client);
		if (by_exec)
			execl("/bin/true", "true", (char *)NULL);
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid && status == 0, "child");
}

int main(int argc, char **argv)
{
	struct pair leaked = pair_open(), held = pair_open();
	char byte;

	if (argc < 3)
		return 2;
	close(leaked.client);
	must(recv(leaked.server, &byte, 1, 0) == 0, "EOF");
	for (int i = 0; i < 50; i++)
		child_comes_and_goes(&leaked, &held, !strcmp(argv[2], "exec"));
	must(send(held.client, "x", 1, 0) == 1 && recv(held.server, &byte, 1, 0) == 1,
	     "the connection that was held");
	hold(atoi(argv[1]));
	return 0;
}
