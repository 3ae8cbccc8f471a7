/* SPDX-License-Identifier: MIT */
/*
 * Coroutines by swapcontext, in two threads: each serves connections at several depths of
 * a stack of its own, and gives way between any two calls. Above each stack lies a page
 * that cannot be read: a look beyond its end is fatal.
 *
 * Usage: coroutines ROUNDS
 */
#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "loopback.h"

#define COROUTINES 6
#define STACK_SIZE (64 * 1024)
#define GUARD      4096

struct coroutine {
	ucontext_t own;
	ucontext_t *scheduler;
	int rounds;
	int number;
	int done;
	int served;
};

static void give_way(struct coroutine *c)
{
	swapcontext(&c->own, c->scheduler);
}

static __attribute__((noinline)) void serve(struct coroutine *c, int depth)
{
	volatile char room[48];
	struct pair pair;
	char byte = 'x';

	room[depth] = 0;
	if (depth) {
		serve(c, depth - 1);
		room[0] = room[depth];
		return;
	}
	pair = pair_open();
	give_way(c);
	must(send(pair.client, &byte, 1, 0) == 1, "send");
	give_way(c);
	must(recv(pair.server, &byte, 1, 0) == 1, "recv");
	must(send(pair.server, &byte, 1, 0) == 1, "send");
	must(!close(pair.client), "close");
	give_way(c);
	must(!close(pair.server) && !close(pair.listener), "close");
	c->served++;
}

static void body(unsigned low, unsigned high)
{
	struct coroutine *c = (void *)((unsigned long)high << 32 | low);

	for (int i = 0; i < c->rounds; i++) {
		serve(c, (i + c->number) % 5);
		give_way(c);
	}
	c->done = 1;
}

static void *stack_with_guard(void)
{
	char *stack = mmap(NULL, STACK_SIZE + GUARD, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(stack != MAP_FAILED, "mmap");
	must(!mprotect(stack + STACK_SIZE, GUARD, PROT_NONE), "mprotect");
	return stack;
}

static void start(struct coroutine *c, ucontext_t *scheduler, int rounds, int number)
{
	unsigned long self = (unsigned long)c;

	*c = (struct coroutine){.scheduler = scheduler, .rounds = rounds,
				.number = number};
	getcontext(&c->own);
	c->own.uc_stack.ss_sp = stack_with_guard();
	c->own.uc_stack.ss_size = STACK_SIZE;
	c->own.uc_link = scheduler;
	makecontext(&c->own, (void (*)(void))body, 2, (unsigned)self,
		    (unsigned)(self >> 32));
}

/* What the scheduler itself does lies on the thread's own stack. */
static void serve_between(void)
{
	struct pair pair = pair_open();

	must(!close(pair.client) && !close(pair.server) && !close(pair.listener), "close");
}

static void *schedule(void *argument)
{
	struct coroutine coroutines[COROUTINES];
	ucontext_t scheduler;
	int rounds = *(int *)argument;
	long served = 0;

	for (int i = 0; i < COROUTINES; i++)
		start(&coroutines[i], &scheduler, rounds, i);
	for (int left = COROUTINES; left;) {
		left = 0;
		for (int i = 0; i < COROUTINES; i++) {
			if (!coroutines[i].done)
				swapcontext(&scheduler, &coroutines[i].own);
			left += !coroutines[i].done;
		}
		serve_between();
	}
	for (int i = 0; i < COROUTINES; i++)
		served += coroutines[i].served;
	return (void *)served;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 10;
	pthread_t thread;
	void *other, *own;

	pthread_create(&thread, NULL, schedule, &rounds);
	own = schedule(&rounds);
	pthread_join(thread, &other);
	printf("served %ld\n", (long)own + (long)other);
	return 0;
}
