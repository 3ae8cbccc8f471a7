/* SPDX-License-Identifier: MIT */
/*
 * Opens and closes sockets under frames of every kind and size, in random order: alloca,
 * arrays of variable length, locals that need the frame realigned, functions that were not
 * optimised, recursion of random depth. Several threads, so that all of it also happens
 * at other addresses.
 *
 * Usage: alloca_depths SEED CALLS
 */
#include <alloca.h>
#include <pthread.h>
#include <stdint.h>

#include "loopback.h"

#pragma GCC diagnostic ignored "-Wvla"

#define THREADS 3

struct walk {
	pthread_t thread;
	unsigned long random;
	int calls;
	long opened;
};

typedef void step(struct walk *w, int depth);

static step descend;
static volatile char sink;

/* Knuth's MMIX generator. */
static unsigned roll(struct walk *w, unsigned below)
{
	w->random = w->random * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(w->random >> 33) % below;
}

static size_t some_size(struct walk *w)
{
	static const size_t sizes[] = {8, 24, 200, 4000};

	return sizes[roll(w, 4)];
}

static __attribute__((noinline)) void use_sockets(struct walk *w)
{
	int ends[2];
	char byte = 'x';

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	must(write(ends[0], &byte, 1) == 1 && read(ends[1], &byte, 1) == 1, "a byte");
	must(!close(ends[0]), "close");
	must(read(ends[1], &byte, 1) == 0, "EOF");
	must(!close(ends[1]), "close");
	w->opened += 2;
}

static __attribute__((noinline)) void with_alloca(struct walk *w, int depth)
{
	char *room = alloca(some_size(w));

	room[0] = (char)depth;
	descend(w, depth);
	sink = room[0];
}

static __attribute__((noinline)) void with_array(struct walk *w, int depth)
{
	char room[some_size(w)];

	room[0] = (char)depth;
	descend(w, depth);
	sink = room[0];
}

static __attribute__((noinline)) void with_realigned_frame(struct walk *w, int depth)
{
	__attribute__((aligned(64))) char room[64];

	must((uintptr_t)room % 64 == 0, "alignment");
	room[0] = (char)depth;
	descend(w, depth);
	sink = room[0];
}

static __attribute__((noinline)) void with_realigned_array(struct walk *w, int depth)
{
	__attribute__((aligned(128))) char room[128];
	char more[some_size(w)];

	room[0] = more[0] = (char)depth;
	descend(w, depth);
	sink = room[0] + more[0];
}

static __attribute__((noinline, optimize("O0"))) void not_optimised(struct walk *w,
								   int depth)
{
	char *room = alloca(some_size(w));

	room[0] = (char)depth;
	descend(w, depth);
}

static __attribute__((noinline, optimize("O0"))) void not_optimised_array(struct walk *w,
									  int depth)
{
	__attribute__((aligned(32))) char room[some_size(w)];

	room[0] = (char)depth;
	descend(w, depth);
	sink = room[0];
}

static __attribute__((noinline)) void plain(struct walk *w, int depth)
{
	descend(w, depth);
	sink = (char)depth;
}

/* Registers that must be saved, and so lie in the frame. */
static __attribute__((noinline)) void with_many_registers(struct walk *w, int depth)
{
	unsigned a = roll(w, 99), b = roll(w, 99), c = roll(w, 99), d = roll(w, 99);

	for (unsigned i = 0; i < 1 + a % 2; i++) {
		descend(w, i ? 0 : depth);
		sink = (char)(a + b + c + d + i);
	}
}

static void descend(struct walk *w, int depth)
{
	static step *const steps[] = {
		with_alloca,	      with_array,	   with_realigned_frame,
		with_realigned_array, not_optimised,	   not_optimised_array,
		plain,		      with_many_registers,
	};

	if (depth)
		steps[roll(w, 8)](w, depth - 1);
	else
		use_sockets(w);
	sink = (char)depth;
}

/* The first walk again and again, so that stacks are met that were seen before. */
static void *walk(void *argument)
{
	struct walk *w = argument;
	unsigned long seed = w->random;

	for (int i = 0; i < w->calls; i++) {
		if (i % 100 == 0)
			w->random = seed;
		descend(w, (int)roll(w, 7));
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct walk walks[THREADS];
	long opened = 0;

	if (argc < 3)
		return 2;
	for (int i = 0; i < THREADS; i++) {
		walks[i] = (struct walk){.random = strtoul(argv[1], NULL, 10) + (unsigned)i,
					 .calls = atoi(argv[2])};
		pthread_create(&walks[i].thread, NULL, walk, &walks[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(walks[i].thread, NULL);
		opened += walks[i].opened;
	}
	printf("opened %ld\n", opened);
	return 0;
}
