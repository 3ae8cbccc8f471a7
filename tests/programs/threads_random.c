/* SPDX-License-Identifier: MIT */
/*
 * Eight threads open, use, copy, close and leak connections at random, also each other's,
 * and count what they do. Afterwards all that is still in use is closed, so that what is
 * left are the leaks and the listeners.
 *
 * Usage: threads_random SEED OPERATIONS HOLD_MS
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "loopback.h"

#define STEP    static __attribute__((noinline))
#define THREADS 8
#define POOL    64
#define LEAKS   25 /* of each kind in each thread */

struct counts {
	unsigned opened;
	unsigned closed;
	unsigned leaked_read;
	unsigned leaked_unread;
};

struct worker {
	pthread_t thread;
	unsigned long random;
	int operations;
	struct pair listening; /* only its listener is used */
	struct counts counts;
};

static struct pair pool[POOL];
static unsigned pooled;
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;

/* Knuth's MMIX generator. */
static unsigned roll(struct worker *w, unsigned below)
{
	w->random = w->random * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(w->random >> 33) % below;
}

static int pool_put(struct pair pair)
{
	int taken;

	pthread_mutex_lock(&pool_lock);
	taken = pooled < POOL;
	if (taken)
		pool[pooled++] = pair;
	pthread_mutex_unlock(&pool_lock);
	return taken;
}

static int pool_take(struct worker *w, struct pair *pair)
{
	int taken;

	pthread_mutex_lock(&pool_lock);
	taken = pooled > 0;
	if (taken) {
		unsigned i = roll(w, pooled);

		*pair = pool[i];
		pool[i] = pool[--pooled];
	}
	pthread_mutex_unlock(&pool_lock);
	return taken;
}

static void shut(struct worker *w, int fd)
{
	if (roll(w, 4) == 0)
		must(!syscall(SYS_close, fd), "close");
	else
		must(!close(fd), "close");
	w->counts.closed++;
}

STEP struct pair open_one(struct worker *w)
{
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	struct pair pair = w->listening;

	must(!getsockname(pair.listener, (struct sockaddr *)&address, &size),
	     "getsockname");
	pair.client = socket(AF_INET, SOCK_STREAM, 0);
	must(pair.client >= 0, "socket");
	must(!connect(pair.client, (struct sockaddr *)&address, size), "connect");
	pair.server = accept(pair.listener, NULL, NULL);
	must(pair.server >= 0, "accept");
	w->counts.opened += 2;
	return pair;
}

static void talk(struct pair *pair)
{
	char byte = 'x';

	must(send(pair->client, &byte, 1, 0) == 1, "send");
	must(recv(pair->server, &byte, 1, 0) == 1, "recv");
	must(write(pair->server, &byte, 1) == 1, "write");
	must(read(pair->client, &byte, 1) == 1, "read");
}

STEP void learn_eof(int fd)
{
	char byte;

	must(recv(fd, &byte, 1, 0) == 0, "EOF");
}

STEP void close_after_eof(struct worker *w, struct pair *pair)
{
	shut(w, pair->client);
	learn_eof(pair->server);
	shut(w, pair->server);
}

STEP void close_first(struct worker *w, struct pair *pair)
{
	shut(w, pair->server);
	shut(w, pair->client);
}

STEP void leak_after_eof(struct worker *w, struct pair *pair)
{
	shut(w, pair->client);
	learn_eof(pair->server);
	w->counts.leaked_read++;
}

STEP void leak_unread(struct worker *w, struct pair *pair)
{
	shut(w, pair->client);
	w->counts.leaked_unread++;
}

/* The number changes, the socket does not. */
static void move(struct worker *w, struct pair *pair)
{
	int copy = roll(w, 2) ? dup(pair->server)
			      : fcntl(pair->server, F_DUPFD_CLOEXEC, 3 + roll(w, 600));

	must(copy >= 0, "dup");
	must(!close(pair->server), "close");
	pair->server = copy;
}

/* What becomes of a connection; 1: it goes on. */
static int operate(struct worker *w, struct pair *pair)
{
	unsigned what = roll(w, 100);

	if (what < 35)
		talk(pair);
	else if (what < 55)
		move(w, pair);
	else if (what < 75)
		return close_after_eof(w, pair), 0;
	else if (what < 95)
		return close_first(w, pair), 0;
	else if (what < 98 && w->counts.leaked_read < LEAKS)
		return leak_after_eof(w, pair), 0;
	else if (w->counts.leaked_unread < LEAKS)
		return leak_unread(w, pair), 0;
	return 1;
}

static void *work(void *argument)
{
	struct worker *w = argument;

	for (int i = 0; i < w->operations; i++) {
		struct pair pair;

		if (roll(w, 3) == 0 || !pool_take(w, &pair))
			pair = open_one(w);
		if (operate(w, &pair) && !pool_put(pair))
			close_first(w, &pair);
	}
	return NULL;
}

static void worker_open(struct worker *w, unsigned long seed, int operations)
{
	w->random = seed;
	w->operations = operations;
	w->listening = pair_open();
	w->counts.opened = 3;
	shut(w, w->listening.client);
	shut(w, w->listening.server);
}

static void add(struct counts *sum, const struct counts *one)
{
	sum->opened += one->opened;
	sum->closed += one->closed;
	sum->leaked_read += one->leaked_read;
	sum->leaked_unread += one->leaked_unread;
}

int main(int argc, char **argv)
{
	static struct worker workers[THREADS];
	struct counts sum = {0};
	struct pair pair;

	if (argc < 4)
		return 2;
	for (int i = 0; i < THREADS; i++)
		worker_open(&workers[i], strtoul(argv[1], NULL, 10) * THREADS + (unsigned)i,
			    atoi(argv[2]));
	for (int i = 0; i < THREADS; i++)
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	while (pool_take(&workers[0], &pair))
		close_first(&workers[0], &pair);
	for (int i = 0; i < THREADS; i++)
		add(&sum, &workers[i].counts);
	printf("opened %u closed %u leaked_read %u leaked_unread %u listening %d\n",
	       sum.opened, sum.closed, sum.leaked_read, sum.leaked_unread, THREADS);
	hold(atoi(argv[3]));
	return 0;
}
