/* SPDX-License-Identifier: MIT */
/*
 * Two tasks that share memory and descriptors, of which libc does not know (it still says that there
 * is one thread), open and close pairs of sockets at the same time. One more connection is leaked
 * whose EOF was read.
 *
 * Usage: clone_busy COUNT [other]: pairs that each of them opens; other: by libc's other name for
 * clone().
 */
#include <sched.h>
#include <signal.h>
#include <sys/single_threaded.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "loopback.h"

int __clone(int (*f)(void *), void *stack, int flags, void *argument, ...);

static char stack[1 << 18] __attribute__((aligned(16)));
static long count;
static volatile int begun;

static void open_and_close(void)
{
	int pair[2];

	for (long i = 0; i < count; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || close(pair[0]) ||
		    close(pair[1]))
			_exit(3);
	}
}

static int child(void *unused)
{
	(void)unused;
	begun = 1;
	open_and_close();
	return 0;
}

int main(int argc, char **argv)
{
	struct pair leaked;
	int status;
	pid_t pid;
	char byte;

	if (argc < 2)
		return 2;
	count = atol(argv[1]);
	leaked = pair_open();
	close(leaked.client);
	must(recv(leaked.server, &byte, 1, 0) == 0, "EOF");
	pid = (argc > 2 ? __clone : clone)(child, stack + sizeof stack,
					   CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
	must(pid > 0, "clone");
	while (!begun)
		;
	open_and_close();
	must(waitpid(pid, &status, 0) == pid && status == 0, "child");
	must(__libc_single_threaded, "libc has not been told");
	hold(60);
	return 0;
}
