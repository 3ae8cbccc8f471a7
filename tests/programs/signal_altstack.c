/* SPDX-License-Identifier: MIT */
/*
 * A signal handler on an alternate stack accepts, reads and closes connections while the
 * code that it interrupts is doing the same. A second thread sends the signals, each as
 * soon as the last was handled; a third is interrupted on its ordinary stack.
 *
 * Usage: signal_altstack CONNECTIONS
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "loopback.h"

#define STACK_SIZE (64 * 1024)

static struct sockaddr_in address;
static int listener_of_handlers;
static _Atomic long handled, expected;
static _Atomic int working;

/* Only what a handler may call. */
static void must_in_handler(int ok)
{
	if (!ok)
		_exit(98);
}

static __attribute__((noinline)) void connection_in_handler(void)
{
	int client = socket(AF_INET, SOCK_STREAM, 0), server;
	char byte = 'x';

	must_in_handler(client >= 0);
	must_in_handler(!connect(client, (struct sockaddr *)&address, sizeof address));
	server = accept(listener_of_handlers, NULL, NULL);
	must_in_handler(server >= 0);
	must_in_handler(send(client, &byte, 1, 0) == 1 && recv(server, &byte, 1, 0) == 1);
	must_in_handler(!close(client));
	must_in_handler(recv(server, &byte, 1, 0) == 0);
	must_in_handler(!close(server));
}

static void handler(int signal)
{
	int saved = errno;

	(void)signal;
	connection_in_handler();
	handled++;
	errno = saved;
}

static __attribute__((noinline)) void connection(void)
{
	int ends[2];
	char byte = 'x';

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	must(send(ends[0], &byte, 1, 0) == 1 && recv(ends[1], &byte, 1, 0) == 1, "a byte");
	must(!close(ends[0]), "close");
	must(recv(ends[1], &byte, 1, 0) == 0, "EOF");
	must(!close(ends[1]), "close");
}

static void *work(void *count)
{
	for (int i = 0; i < *(int *)count; i++)
		connection();
	working--;
	return NULL;
}

static void *work_on_alternate_stack(void *count)
{
	stack_t stack = {.ss_sp = malloc(STACK_SIZE), .ss_size = STACK_SIZE};

	must(!sigaltstack(&stack, NULL), "sigaltstack");
	work(count);
	stack.ss_flags = SS_DISABLE;
	must(!sigaltstack(&stack, NULL), "sigaltstack");
	free(stack.ss_sp);
	return NULL;
}

/* The threads are there until they are joined. */
static void interrupt(const pthread_t *threads)
{
	while (working) {
		for (int i = 0; i < 2; i++)
			expected += !pthread_kill(threads[i], SIGUSR1);
		while (handled < expected && working)
			;
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = handler,
				   .sa_flags = SA_ONSTACK | SA_RESTART};
	int count = argc > 1 ? atoi(argv[1]) : 100;
	socklen_t size = sizeof address;
	struct pair pair = pair_open();
	pthread_t threads[2];

	listener_of_handlers = pair.listener;
	must(!getsockname(pair.listener, (struct sockaddr *)&address, &size),
	     "getsockname");
	must(!close(pair.client) && !close(pair.server), "close");
	sigaction(SIGUSR1, &action, NULL);
	working = 2;
	pthread_create(&threads[0], NULL, work_on_alternate_stack, &count);
	pthread_create(&threads[1], NULL, work, &count);
	interrupt(threads);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	must(!close(pair.listener), "close");
	printf("did %d, interrupted: %s\n", 2 * count, handled ? "yes" : "no");
	return 0;
}
