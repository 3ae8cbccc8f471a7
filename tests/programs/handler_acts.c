/* SPDX-License-Identifier: MIT */
/*
 * A handler that does all that a server does, in the middle of whatever it interrupts: it reads,
 * closes what the interrupted thread is about to use, opens and closes, and forks children that do
 * the same. A second thread opens and closes all the while. Prints what there was of each; in the
 * end a connection is leaked whose EOF was read.
 *
 * Usage: handler_acts SIGNALS HOLD_MS
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "loopback.h"

#define DEPTHS 40

static _Atomic unsigned opened, closed, handled, forked, failed, taken;
static _Atomic int other_end = -1; /* whoever swaps it for -1 closes it */
static _Atomic int stop;
static int kept[2];

static __attribute__((noinline)) void pair_at_depth(int depth, int ends[2])
{
	volatile char frame[48] = {0};

	if (depth) {
		pair_at_depth(depth - 1, ends);
		frame[1] = frame[0];
		return;
	}
	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	opened += 2;
}

static __attribute__((noinline)) void hang_up(int fd)
{
	must(!close(fd), "close");
	closed++;
}

static __attribute__((noinline)) void open_use_close(int depth)
{
	int ends[2];
	char byte = 'x';

	pair_at_depth(depth, ends);
	must(write(ends[0], &byte, 1) == 1, "write");
	must(recv(ends[1], &byte, 1, 0) == 1, "recv");
	hang_up(ends[0]);
	must(recv(ends[1], &byte, 1, 0) == 0, "EOF");
	hang_up(ends[1]);
}

static void close_the_others(void)
{
	int fd = atomic_exchange(&other_end, -1);

	if (fd < 0)
		return;
	taken++;
	hang_up(fd);
	open_use_close(1); /* it gets that number */
}

static void fork_one(void)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		open_use_close(2);
		_exit(0);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid, "fork");
	forked++;
	failed += status != 0;
}

static void handler(int number)
{
	int saved = errno;
	char byte = 'y';

	(void)number;
	switch (handled++ % 4) {
	case 0:
		must(write(kept[0], &byte, 1) == 1 && read(kept[1], &byte, 1) == 1,
		     "kept");
		break;
	case 1:
		close_the_others();
		break;
	case 2:
		open_use_close(3);
		break;
	default:
		fork_one();
	}
	errno = saved;
}

static void *churn(void *unused)
{
	for (int i = 0; !stop; i++)
		open_use_close(i % DEPTHS);
	return unused;
}

/* One end may be closed by the handler at any moment, and its number be another's: nothing is taken
 * from it. */
static void interrupted(int depth)
{
	int ends[2], fd;
	char byte = 'x';

	pair_at_depth(depth, ends);
	fd = ends[1];
	other_end = fd;
	if (send(ends[0], &byte, 1, MSG_NOSIGNAL) == 1)
		recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
	hang_up(ends[0]);
	recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
	fd = atomic_exchange(&other_end, -1);
	if (fd >= 0)
		hang_up(fd);
}

static __attribute__((noinline)) void leak(void)
{
	char byte;
	struct pair pair = pair_open();

	opened += 3;
	hang_up(pair.client);
	hang_up(pair.listener);
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
}

static void be_interrupted(unsigned signals)
{
	for (int i = 0; handled < signals; i++) {
		struct itimerval soon = {.it_value.tv_usec = 10 + i % 97};
		unsigned before = handled;

		setitimer(ITIMER_REAL, &soon, NULL);
		while (handled == before)
			interrupted(i++ % DEPTHS);
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	pthread_t thread;
	sigset_t all, old;

	if (argc < 3)
		return 2;
	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, kept), "socketpair");
	opened += 2;
	sigaction(SIGALRM, &action, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	must(!pthread_create(&thread, NULL, churn, NULL), "pthread_create");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	be_interrupted((unsigned)atoi(argv[1]));
	stop = 1;
	pthread_join(thread, NULL);
	hang_up(kept[0]);
	hang_up(kept[1]);
	leak();
	hold(atoi(argv[2]));
	printf("handled %u forked %u failed %u taken %u\nopened %u closed %u\n", handled,
	       forked, failed, taken, opened, closed);
	return 0;
}
