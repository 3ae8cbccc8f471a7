/* SPDX-License-Identifier: MIT */
/*
 * A timer's handler jumps out of whatever socket call, or tracer, it interrupts, thousands of
 * times, each from another depth of the stack; a second thread opens sockets meanwhile. Then
 * the first thread's own: a connection is leaked whose EOF was read.
 *
 * Usage: jumps_out JUMPS HOLD_MS
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>

#include "loopback.h"

#define DEPTHS 50

static sigjmp_buf before;
static volatile sig_atomic_t armed;
static _Atomic int stop;

static void handler(int signal)
{
	(void)signal;
	if (armed)
		siglongjmp(before, 1);
}

static __attribute__((noinline)) int open_at_depth(int depth)
{
	volatile char frame[64] = {0};

	return depth ? open_at_depth(depth - 1) + frame[0]
		     : socket(AF_UNIX, SOCK_STREAM, 0);
}

static void *open_and_close(void *unused)
{
	for (int i = 0; !stop; i++)
		close(open_at_depth(i % DEPTHS));
	return unused;
}

static void jump(int jumps)
{
	volatile int left = jumps;
	volatile int depth = 0;

	while (left > 0) {
		struct itimerval soon = {.it_value.tv_usec = 20 + left % 60};

		if (sigsetjmp(before, 1)) {
			armed = 0;
			left--;
			continue;
		}
		armed = 1;
		setitimer(ITIMER_REAL, &soon, NULL);
		for (;;)
			close(open_at_depth(depth++ % DEPTHS));
	}
}

static __attribute__((noinline)) void leak(void)
{
	struct pair pair = pair_open();
	char byte;

	must(!close(pair.client), "close");
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = handler};
	struct itimerval never = {0};
	sigset_t all;
	pthread_t thread;

	if (argc < 3)
		return 2;
	sigaction(SIGALRM, &action, NULL);
	/* Nobody may jump out of the loader, which binds these at their first call. */
	must(!close(open_at_depth(0)) && !setitimer(ITIMER_REAL, &never, NULL), "bind");
	if (sigsetjmp(before, 1))
		abort();
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	must(!pthread_create(&thread, NULL, open_and_close, NULL), "pthread_create");
	pthread_sigmask(SIG_UNBLOCK, &all, NULL);
	jump(atoi(argv[1]));
	stop = 1;
	pthread_join(thread, NULL);
	leak();
	puts("alive");
	hold(atoi(argv[2]));
	return 0;
}
