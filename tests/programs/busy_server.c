/* SPDX-License-Identifier: MIT */
/*
 * Threads that take connections of two kinds through their lives, many at once and a step at a
 * time, until the process is killed. Each kind has functions of its own for every step, so that a
 * stack of the one in the record of the other would show; a near one carries 3 bytes, a far one
 * 5.
 *
 * Usage: busy_server SEED
 */
#include <pthread.h>

#include "loopback.h"

#define STEP    __attribute__((noipa)) static /* alike ones are not merged */
#define THREADS 3
#define HELD    12

enum step { OPEN, WRITE, READ, CLOSE_ONE, LEARN_EOF, CLOSE_OTHER };

struct connection {
	int ends[2];
	int far;
	enum step next;
};

struct worker {
	pthread_t thread;
	unsigned long random;
	struct connection held[HELD];
};

/* Knuth's MMIX generator. */
static unsigned roll(struct worker *w, unsigned below)
{
	w->random = w->random * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(w->random >> 33) % below;
}

STEP void near_open(struct connection *c)
{
	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, c->ends), "socketpair");
}

STEP void near_write(struct connection *c)
{
	must(send(c->ends[0], "abc", 3, 0) == 3, "send");
}

STEP void near_read(struct connection *c)
{
	char bytes[8];

	must(recv(c->ends[1], bytes, sizeof bytes, 0) == 3, "recv");
}

STEP void near_learn_eof(struct connection *c)
{
	char byte;

	must(recv(c->ends[1], &byte, 1, 0) == 0, "EOF");
}

STEP void near_close(int fd)
{
	must(!close(fd), "close");
}

STEP void far_open(struct connection *c)
{
	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, c->ends), "socketpair");
}

STEP void far_write(struct connection *c)
{
	must(write(c->ends[0], "abcde", 5) == 5, "write");
}

STEP void far_read(struct connection *c)
{
	char bytes[8];

	must(read(c->ends[1], bytes, sizeof bytes) == 5, "read");
}

STEP void far_learn_eof(struct connection *c)
{
	char byte;

	must(read(c->ends[1], &byte, 1) == 0, "EOF");
}

STEP void far_close(int fd)
{
	must(!close(fd), "close");
}

STEP void near_step(struct connection *c)
{
	switch (c->next) {
	case OPEN:
		near_open(c);
		break;
	case WRITE:
		near_write(c);
		break;
	case READ:
		near_read(c);
		break;
	case CLOSE_ONE:
		near_close(c->ends[0]);
		break;
	case LEARN_EOF:
		near_learn_eof(c);
		break;
	case CLOSE_OTHER:
		near_close(c->ends[1]);
	}
}

STEP void far_step(struct connection *c, int depth)
{
	volatile char frame[32] = {0};

	if (depth) {
		far_step(c, depth - 1);
		frame[1] = frame[0];
		return;
	}
	switch (c->next) {
	case OPEN:
		far_open(c);
		break;
	case WRITE:
		far_write(c);
		break;
	case READ:
		far_read(c);
		break;
	case CLOSE_ONE:
		far_close(c->ends[0]);
		break;
	case LEARN_EOF:
		far_learn_eof(c);
		break;
	case CLOSE_OTHER:
		far_close(c->ends[1]);
	}
}

STEP void *serve(void *argument)
{
	struct worker *w = argument;

	for (;;) {
		struct connection *c = &w->held[roll(w, HELD)];

		if (c->next == OPEN)
			c->far = (int)roll(w, 2);
		if (c->far)
			far_step(c, (int)roll(w, 6));
		else
			near_step(c);
		c->next = (c->next + 1) % (CLOSE_OTHER + 1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static struct worker workers[THREADS];

	for (int i = 0; i < THREADS; i++) {
		workers[i].random = (argc > 1 ? strtoul(argv[1], NULL, 10) : 0) * 8 +
				    (unsigned)i;
		pthread_create(&workers[i].thread, NULL, serve, &workers[i]);
	}
	pthread_join(workers[0].thread, NULL);
	return 0;
}
