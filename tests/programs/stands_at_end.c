/* SPDX-License-Identifier: MIT */
/*
 * Holds a connection whose end it has not read, and stands somewhere when SIGTERM comes.
 *
 * Usage: stands_at_end spins | waits | sends | thread   Prints "ready" when it is about to. In its
 * own code; in the kernel; it sends the signal itself; the thread "worker" takes it, which allocates.
 */
#include <pthread.h>
#include <signal.h>

#include "loopback.h"

static volatile unsigned turns;

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

static __attribute__((noinline)) void spins_here(void)
{
	for (;;)
		turns++;
}

static __attribute__((noinline)) void waits_here(void)
{
	for (;;)
		pause();
}

static __attribute__((noinline)) void sends_here(void)
{
	raise(SIGTERM);
}

static __attribute__((noinline)) void *allocates_here(void *unused)
{
	(void)unused;
	pthread_setname_np(pthread_self(), "worker");
	ready();
	for (;;)
		free(malloc(turns++ % 5000));
	return NULL;
}

static __attribute__((noinline)) void starts_thread(void)
{
	sigset_t term;
	pthread_t thread;

	must(!pthread_create(&thread, NULL, allocates_here, NULL), "pthread_create");
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &term, NULL);
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	struct pair pair = pair_open();
	char byte;

	must(send(pair.client, "ab", 2, 0) == 2, "send");
	must(recv(pair.server, &byte, 1, 0) == 1, "recv");
	must(!close(pair.client) && !close(pair.listener), "close");
	hold(100);
	if (argc == 2 && !strcmp(argv[1], "thread"))
		starts_thread();
	ready();
	if (argc == 2 && !strcmp(argv[1], "spins"))
		spins_here();
	if (argc == 2 && !strcmp(argv[1], "waits"))
		waits_here();
	sends_here();
	return 3;
}
