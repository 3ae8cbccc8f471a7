/* SPDX-License-Identifier: MIT */
/*
 * Leaks one connection whose EOF it has read, then ends in the way that is asked for.
 * What it printed and did not flush must come out where stdio's rules say so.
 *
 * Usage: ends HOLD_MS WAY. The status it passes on is 7.
 */
#include <pthread.h>
#include <signal.h>

#include "loopback.h"

static volatile int *nowhere;

static void end_by_thread_exit(void)
{
	pthread_exit(NULL);
}

static void end_by_fault(void)
{
	*nowhere = 1;
}

static void end_by_waiting(void)
{
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause();
}

static void handler(int signal)
{
	_exit(signal == SIGTERM ? 7 : 8);
}

static void end_in_handler(void)
{
	signal(SIGTERM, handler);
	raise(SIGTERM);
}

/* As Node does: its own handler first, then the default, raised again. */
static void raise_default(int number)
{
	signal(number, SIG_DFL);
	raise(number);
}

static void end_in_handler_that_raises(void)
{
	signal(SIGTERM, raise_default);
	raise(SIGTERM);
}

static void end_by(const char *way)
{
	if (!strcmp(way, "exit"))
		exit(7);
	if (!strcmp(way, "_exit"))
		_exit(7);
	if (!strcmp(way, "_Exit"))
		_Exit(7);
	if (!strcmp(way, "quick_exit"))
		quick_exit(7);
	if (!strcmp(way, "pthread_exit"))
		end_by_thread_exit();
	if (!strcmp(way, "raise"))
		raise(SIGTERM);
	if (!strcmp(way, "kill"))
		kill(getpid(), SIGHUP);
	if (!strcmp(way, "pthread_kill"))
		pthread_kill(pthread_self(), SIGUSR1);
	if (!strcmp(way, "abort"))
		abort();
	if (!strcmp(way, "fault"))
		end_by_fault();
	if (!strcmp(way, "wait"))
		end_by_waiting();
	if (!strcmp(way, "handler"))
		end_in_handler();
	if (!strcmp(way, "handler_raises"))
		end_in_handler_that_raises();
}

static __attribute__((noinline)) void leak(void)
{
	struct pair pair = pair_open();
	char byte;

	must(send(pair.client, "hello", 5, 0) == 5, "send");
	must(recv(pair.server, &byte, 1, 0) == 1, "recv");
	must(recv(pair.server, (char[16]){0}, 16, 0) == 4, "recv");
	close(pair.client);
	await_readable(pair.server);
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
	close(pair.listener);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	leak();
	hold(atoi(argv[1]));
	printf("not flushed");
	end_by(argv[2]);
	return 7;
}
