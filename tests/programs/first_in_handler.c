/* SPDX-License-Identifier: MIT */
/*
 * The first sockets of the process are opened by a signal handler: "threads" while another
 * thread holds the loader's lock and waits for it, "alone" in a process of one thread. A handler may do that: socket, connect, accept, recv and
 * close are async-signal-safe. The connection's EOF is read and it is leaked.
 *
 * Usage: first_in_handler HOLD_MS threads|alone
 */
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "loopback.h"

static _Atomic int locked, handled;

static int while_locked(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)info;
	(void)size;
	(void)unused;
	locked = 1;
	while (!handled)
		sched_yield();
	return 1;
}

static void *hold_the_loader(void *unused)
{
	dl_iterate_phdr(while_locked, NULL);
	return unused;
}

static __attribute__((noinline)) void leak_in_handler(void)
{
	int ends[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || close(ends[0]) ||
	    recv(ends[1], &byte, 1, 0) != 0)
		_exit(98);
}

static void handler(int signal)
{
	(void)signal;
	leak_in_handler();
	handled = 1;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = handler};
	bool threads;
	pthread_t thread;

	if (argc < 3)
		return 2;
	threads = !strcmp(argv[2], "threads");
	sigaction(SIGUSR1, &action, NULL);
	if (threads)
		must(!pthread_create(&thread, NULL, hold_the_loader, NULL),
		     "pthread_create");
	while (threads && !locked)
		sched_yield();
	raise(SIGUSR1);
	if (threads)
		pthread_join(thread, NULL);
	leak_in_handler();
	puts("alive");
	hold(atoi(argv[1]));
	return 0;
}
