/* SPDX-License-Identifier: MIT */
/*
 * The same call is made by way of two functions, at the same depth, on a stack that is a static
 * variable: a handler's alternate stack, a coroutine's, a thread's. Only what the second
 * function opens is leaked.
 *
 * Usage: static_stacks HOLD_MS handler|coroutine|thread
 */
#include <pthread.h>
#include <signal.h>
#include <ucontext.h>

#include "loopback.h"

#define STEP static __attribute__((noinline))

static char stack[256 * 1024] __attribute__((aligned(64)));
static volatile int round_number;

STEP int read_eof(void)
{
	struct pair pair = pair_open();
	char byte;

	must(!close(pair.client) && !close(pair.listener), "close");
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
	return pair.server;
}

STEP void with_care(void)
{
	must(!close(read_eof()), "close");
}

STEP void without_care(void)
{
	must(read_eof() >= 0, "a socket");
}

static void one_round(void)
{
	if (round_number % 2)
		without_care();
	else
		with_care();
}

static void handler(int signal)
{
	(void)signal;
	one_round();
}

static void by_handler(void)
{
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

	must(!sigaltstack(&alternate, NULL), "sigaltstack");
	must(!sigaction(SIGUSR1, &action, NULL), "sigaction");
	raise(SIGUSR1);
}

static void by_coroutine(void)
{
	static ucontext_t here, there;

	getcontext(&there);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = sizeof stack;
	there.uc_link = &here;
	makecontext(&there, one_round, 0);
	swapcontext(&here, &there);
}

static void *thread(void *unused)
{
	one_round();
	return unused;
}

static void by_thread(void)
{
	pthread_attr_t attributes;
	pthread_t id;

	pthread_attr_init(&attributes);
	must(!pthread_attr_setstack(&attributes, stack, sizeof stack), "setstack");
	must(!pthread_create(&id, &attributes, thread, NULL), "pthread_create");
	pthread_join(id, NULL);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	/* The first capture is of an ordinary stack. */
	must(!close(socket(AF_INET, SOCK_STREAM, 0)), "socket");
	for (round_number = 0; round_number < 6; round_number++) {
		if (!strcmp(argv[2], "handler"))
			by_handler();
		else if (!strcmp(argv[2], "coroutine"))
			by_coroutine();
		else
			by_thread();
	}
	hold(atoi(argv[1]));
	return 0;
}
