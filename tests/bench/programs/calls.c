/* SPDX-License-Identifier: MIT */
/*
 * Calls one thing over and over, over sockets that need no kernel (stub.h), and prints how long
 * it took: the median of its batches, in ns of the thread's CPU time.
 *
 * Usage: calls CASE COUNT [DEPTH [THREADS [LIVE]]]
 * COUNT times in each thread, with stacks of DEPTH frames, while LIVE more sockets are open.
 */
#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "listener.h"
#include "stub.h"

#define FIRST   1000
#define PLAIN   (1 << 19) /* a descriptor that is no socket */
#define BATCHES 100
#define STEP    __attribute__((noinline, noclone))

/* Those below the first step: measured, run, and libc's and ours up to the thread's start. */
#define FRAMES_BELOW 6

static int listener;

static int depth;
static long count;
static long live;
static int *living;

struct op {
	int fd;
	char bytes[64];
};

static STEP void at_depth(int left, void (*step)(struct op *), struct op *op)
{
	if (left > 1)
		at_depth(left - 1, step, op);
	else
		step(op);
	__asm__ volatile("" ::: "memory"); /* no tail call */
}

static void step(void (*call)(struct op *), struct op *op)
{
	at_depth(depth - FRAMES_BELOW, call, op);
}

static STEP void do_accept(struct op *op)
{
	op->fd = accept(listener, NULL, NULL);
	must(op->fd >= 0, "accept");
}

static STEP void do_recv(struct op *op)
{
	must(recv(op->fd, op->bytes, sizeof op->bytes, 0) == sizeof op->bytes, "recv");
}

static STEP void do_eof(struct op *op)
{
	must(recv(op->fd, op->bytes, 1, 0) == 0, "recv EOF");
}

static STEP void do_close(struct op *op)
{
	must(close(op->fd) == 0, "close");
}

/* The cases. */

static void case_recv(struct op *op)
{
	do_recv(op);
}

static void case_read_no_socket(struct op *op)
{
	must(read(PLAIN, op->bytes, sizeof op->bytes) > 0, "read");
}

static void case_accept_close(struct op *op)
{
	step(do_accept, op);
	step(do_close, op);
}

static void case_accept_eof_close(struct op *op)
{
	step(do_accept, op);
	step(do_eof, op);
	step(do_close, op);
}

/* Four stacks: where it was opened, first read, its EOF read, and closed. */
static void case_connection(struct op *op)
{
	step(do_accept, op);
	step(do_recv, op);
	step(do_eof, op);
	step(do_close, op);
}

static void *serve(void *op)
{
	case_connection(op);
	return NULL;
}

/* The same in a thread of its own. */
static void case_thread(struct op *op)
{
	pthread_t thread;

	must(!pthread_create(&thread, NULL, serve, op), "pthread_create");
	must(!pthread_join(thread, NULL), "pthread_join");
}

static void case_dup_close(struct op *op)
{
	int copy = dup(op->fd);

	must(copy >= 0, "dup");
	must(close(copy) == 0, "close");
}

/* Some other of the living each time; the stride shares no factor with their number. */
static void case_recv_any(struct op *op)
{
	static __thread unsigned long turn;
	struct op one = {.fd = living[(turn += 7919) % (unsigned long)live]};

	(void)op;
	do_recv(&one);
}

static const struct {
	const char *name;
	void (*call)(struct op *);
	int has_socket; /* one that is open before */
} cases[] = {
	{"recv", case_recv, 1},
	{"recv-any", case_recv_any, 0},
	{"read-no-socket", case_read_no_socket, 0},
	{"accept-close", case_accept_close, 0},
	{"accept-eof-close", case_accept_eof_close, 0},
	{"connection", case_connection, 0},
	{"thread", case_thread, 0},
	{"dup-close", case_dup_close, 1},
};
static int chosen = -1;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static STEP void batch(struct op *op, long times)
{
	for (long i = 0; i < times; i++)
		cases[chosen].call(op);
	__asm__ volatile("" ::: "memory");
}

static void *measured(void *result)
{
	double times[BATCHES];
	long each = count / BATCHES;
	struct op op;

	if (cases[chosen].has_socket) {
		do_accept(&op);
		do_recv(&op);
	}
	for (int i = 0; i < BATCHES; i++) {
		uint64_t begun = now();

		batch(&op, each);
		times[i] = (double)(now() - begun) / (double)each;
	}
	if (cases[chosen].has_socket)
		do_close(&op);
	qsort(times, BATCHES, sizeof *times, compare);
	*(double *)result = times[BATCHES / 2];
	return NULL;
}

static STEP void open_living(void)
{
	living = calloc((size_t)live + 1, sizeof *living);
	must(living != NULL, "calloc");
	for (long i = 0; i < live; i++) {
		struct op op;

		do_accept(&op);
		do_recv(&op);
		living[i] = op.fd;
	}
}

/* The pages that this process has in memory, private and shared. */
static long resident_kib(void)
{
	long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	must(f && fscanf(f, "%ld %ld", &size, &resident) == 2, "statm");
	fclose(f);
	return resident * 4;
}

static int argument(int argc, char **argv, int index, int otherwise)
{
	return argc > index ? atoi(argv[index]) : otherwise;
}

int main(int argc, char **argv)
{
	int threads = argument(argc, argv, 4, 1);
	pthread_t others[64];
	double results[64];

	for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++) {
		if (argc > 2 && !strcmp(argv[1], cases[i].name))
			chosen = i;
	}
	if (chosen < 0 || threads > 64)
		return 2;
	count = atol(argv[2]);
	depth = argument(argc, argv, 3, 10);
	live = argument(argc, argv, 5, 0);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	stub_begin(FIRST, live ? (int)live + 16 : 16, live ? 0 : 16 * threads);
	open_living();
	for (int i = 1; i < threads; i++)
		must(!pthread_create(&others[i], NULL, measured, &results[i]), "thread");
	measured(&results[0]);
	for (int i = 1; i < threads; i++)
		must(!pthread_join(others[i], NULL), "join");
	for (int i = 0; i < threads; i++)
		printf("%.2f%c", results[i], i + 1 < threads ? ' ' : '\n');
	printf("%ld\n", resident_kib());
	fflush(stdout);
	return 0;
}
