/* SPDX-License-Identifier: MIT */
/*
 * Leaks one connection whose EOF it has read and keeps another one open, while children made by
 * clone(), in its memory but with descriptors of their own, close both and leave by exec or by
 * _exit. Nothing of that is the parent's. With `files` they have its descriptors, too: what they
 * close is closed.
 *
 * Usage: clone_vm exec|_exit|beside|files
 */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "loopback.h"

static struct pair leaked, held, closed;
static const char *way;
static char stack[65536] __attribute__((aligned(16)));

static int child(void *unused)
{
	(void)unused;
	if (!strcmp(way, "files")) {
		close(closed.server);
		close(closed.client);
		_exit(0);
	}
	close(leaked.server);
	close(leaked.listener);
	close(held.server);
	close(held.client);
	if (!strcmp(way, "exec"))
		execl("/bin/true", "true", (char *)NULL);
	_exit(0);
}

static void child_comes_and_goes(int flags)
{
	int status;
	pid_t pid = clone(child, stack + sizeof stack, flags | SIGCHLD, NULL);

	must(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "child");
}

int main(int argc, char **argv)
{
	char byte;

	if (argc < 2)
		return 2;
	way = argv[1];
	leaked = pair_open();
	held = pair_open();
	closed = pair_open();
	close(leaked.client);
	must(recv(leaked.server, &byte, 1, 0) == 0, "EOF");
	if (!strcmp(way, "files"))
		child_comes_and_goes(CLONE_VM | CLONE_FILES);
	for (int i = 0; strcmp(way, "files") && i < 50; i++)
		child_comes_and_goes(CLONE_VM |
				     (strcmp(way, "beside") ? CLONE_VFORK : 0));
	must(send(held.client, "x", 1, 0) == 1 && recv(held.server, &byte, 1, 0) == 1,
	     "the connection that was held");
	hold(60);
	return 0;
}
