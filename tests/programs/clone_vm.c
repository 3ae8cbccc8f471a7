/* SPDX-License-Identifier: MIT */
/*
 * Leaks one connection whose EOF it has read and keeps another one open, while children made by
 * clone(), in its memory but with descriptors of their own, close both and leave by exec or by
 * _exit. Nothing of that is the parent's. With `files` they have its descriptors, too: what they
 * close is closed. With `apart` they have its descriptors, but not its memory.
 *
 * Usage: clone_vm exec|_exit|beside|files|apart|apart-raw|apart-3
 */
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "loopback.h"

static struct pair leaked, held, closed;
static const char *way;
static char stack[65536] __attribute__((aligned(16)));

static int child(void *unused)
{
	(void)unused;
	if (!strcmp(way, "files") || !strncmp(way, "apart", 5)) {
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

static pid_t raw_clone(void)
{
	struct clone_args arguments = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
	pid_t pid;

	if (!strcmp(way, "apart-3"))
		pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
	else
		pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL,
				     NULL);
	if (!pid)
		_exit(child(NULL));
	return pid;
}

static void child_apart(void)
{
	int status;
	pid_t pid = strcmp(way, "apart") ? raw_clone()
					 : clone(child, stack + sizeof stack,
						 CLONE_FILES | SIGCHLD, NULL);

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
	if (!strncmp(way, "apart", 5))
		child_apart();
	for (int i = 0; strcmp(way, "files") && strncmp(way, "apart", 5) && i < 50; i++)
		child_comes_and_goes(CLONE_VM |
				     (strcmp(way, "beside") ? CLONE_VFORK : 0));
	must(send(held.client, "x", 1, 0) == 1 && recv(held.server, &byte, 1, 0) == 1,
	     "the connection that was held");
	hold(60);
	return 0;
}
