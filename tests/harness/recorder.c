/* SPDX-License-Identifier: MIT */
/*
 * The recorder under a sanitizer: threads open, read, dup, close and leak sockets at random
 * through the lifecycle's own functions, without the hooks, and the books must agree with what
 * the threads counted; so must those of children that are forked meanwhile. Prints one line;
 * status 0 if they do.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "preload/books.h"
#include "preload/extents.h"
#include "preload/init.h"
#include "preload/lifecycle.h"
#include "preload/sys.h"
#include "trace/report.h"

#define THREADS 8
#define ROUNDS  3000
#define FORKS   40

struct tally {
	pthread_t thread;
	unsigned seed;
	uint64_t opened;
	uint64_t closed;
	uint64_t eof_leaks;
};

static unsigned pick(struct tally *t, unsigned below)
{
	return (unsigned)rand_r(&t->seed) % below;
}

static void hang_up(int fd)
{
	struct closing c = lifecycle_release(fd);
	long r = sys_close(fd);

	errno = (int)-r;
	lifecycle_close_ended(&c, r == 0 ? 0 : -1);
}

static ssize_t take(int fd)
{
	char bytes[16];
	struct transfer t;
	ssize_t n;

	lifecycle_reading(&t, fd, sizeof bytes, 0, true);
	n = sys_read(fd, bytes, sizeof bytes);
	errno = n < 0 ? (int)-n : 0;
	return lifecycle_read(&t, n < 0 ? -1 : n);
}

static void give(int fd)
{
	struct transfer t;
	ssize_t n;

	lifecycle_writing(&t, fd, true);
	n = sys_write(fd, "x", 1);
	errno = n < 0 ? (int)-n : 0;
	lifecycle_written(&t, n < 0 ? -1 : n);
}

static int copy(int fd)
{
	uint64_t entry = lifecycle_entry(fd);
	int to = (int)sys_call(SYS_dup, fd, 0, 0, 0);

	if (to >= 0)
		lifecycle_duplicated(to, entry);
	return to;
}

static void one_round(struct tally *t, int leak)
{
	int pair[2];
	int second = -1;

	if (sys_call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		abort();
	lifecycle_socket(pair[0], AF_UNIX, SOCK_STREAM, 0, CW_ORIGIN_SOCKETPAIR);
	lifecycle_socket(pair[1], AF_UNIX, SOCK_STREAM, 0, CW_ORIGIN_SOCKETPAIR);
	t->opened += 2;
	give(pair[0]);
	take(pair[1]);
	if (pick(t, 3) == 0)
		second = copy(pair[1]);
	hang_up(pair[0]);
	t->closed++;
	if (pick(t, 2) || leak)
		take(pair[1]);
	if (leak) {
		t->eof_leaks++;
	} else {
		hang_up(pair[1]);
		t->closed++;
	}
	if (second >= 0)
		hang_up(second);
}

static void *run(void *argument)
{
	struct tally *t = argument;

	for (int i = 0; i < ROUNDS; i++)
		one_round(t, i % 100 == 99);
	return NULL;
}

/* Alone, and with books of its own: exact to the last socket. */
static void child(unsigned seed)
{
	struct tally t = {.seed = seed};

	for (int i = 0; i < 20; i++)
		one_round(&t, 0);
	sys_call(SYS_exit_group,
		 !books_here() || atomic_load(&books->process->opened) != t.opened ||
			 atomic_load(&books->process->closed) != t.closed,
		 0, 0, 0);
}

/* Returns how many children found other counts than their own. */
static unsigned fork_meanwhile(void)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < FORKS; i++) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0)
			child(i);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
			wrong++;
	}
	return wrong;
}

static void drop(void *context, const char *bytes, size_t size)
{
	(void)context;
	(void)bytes;
	(void)size;
}

static uint64_t reported_leaks(void)
{
	struct trace_view view;
	struct symbolizer none = {0};
	struct text_sink sink = {drop, NULL};
	struct report_result result = {0};
	struct report_process own = {
		.view = &view, .extent = books->extent, .life = REPORT_LIFE_ALIVE};
	struct report_options how = {.now = UINT64_MAX / 2, .grace = 1};

	if (trace_view_open(&view, trace_map.bytes, trace_map.size) != 0 ||
	    report_text(&own, 1, &how, &none, &sink, &result) != 0)
		return UINT64_MAX;
	return result.leaks;
}

int main(void)
{
	struct tally tallies[THREADS] = {0};
	struct tally sum = {0};
	uint64_t opened;
	uint64_t closed;
	uint64_t leaks;
	unsigned wrong;

	init_once();
	for (unsigned i = 0; i < THREADS; i++) {
		tallies[i].seed = 20260101u + i;
		pthread_create(&tallies[i].thread, NULL, run, &tallies[i]);
	}
	wrong = fork_meanwhile();
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(tallies[i].thread, NULL);
		sum.opened += tallies[i].opened;
		sum.closed += tallies[i].closed;
		sum.eof_leaks += tallies[i].eof_leaks;
	}
	opened = atomic_load(&books->process->opened);
	closed = atomic_load(&books->process->closed);
	leaks = reported_leaks();
	printf("opened %llu of %llu, closed %llu of %llu, leaks %llu of %llu, "
	       "%u of %u children wrong\n",
	       (unsigned long long)opened, (unsigned long long)sum.opened,
	       (unsigned long long)closed, (unsigned long long)sum.closed,
	       (unsigned long long)leaks, (unsigned long long)sum.eof_leaks, wrong,
	       (unsigned)FORKS);
	fflush(stdout);
	return opened != sum.opened || closed != sum.closed || leaks != sum.eof_leaks ||
	       wrong;
}
