/* SPDX-License-Identifier: MIT */
/*
 * Threads that are ended from outside: cancelled, deferred or at any instruction, or by a
 * handler that calls pthread_exit() or jumps away; blocked in accept, recv and close, and in the
 * middle of whatever they do. Prints what came of each, then what all of them together have
 * opened and closed. Whatever they left open is closed; in the end the program leaks one
 * connection of its own, whose EOF it has read.
 *
 * Usage: cancels HOLD_MS ROUNDS
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "loopback.h"

enum ending { DEFERRED, ASYNCHRONOUS, EXITING, JUMPING };
static const char *const names[] = {"deferred", "asynchronous", "exiting", "jumping"};

static struct pair blocked;
static _Atomic int thread_id, cleaned;
static _Atomic unsigned opened, closed;
static enum ending ending;
static __thread sigjmp_buf away;

static void clean_up(void *unused)
{
	(void)unused;
	cleaned++;
}

static void end_thread(int number)
{
	(void)number;
	if (ending == JUMPING)
		siglongjmp(away, 1);
	pthread_exit(PTHREAD_CANCELED);
}

static void in_accept(void)
{
	accept(blocked.listener, NULL, NULL);
}

static void in_recv(void)
{
	char byte;

	recv(blocked.server, &byte, 1, 0);
}

/* The peer reads nothing: what was sent lingers. */
static int lingering = -1;

static void in_close(void)
{
	close(lingering);
}

static void lingering_open(void)
{
	static char bytes[1 << 16];
	struct linger linger = {1, 100};
	struct pair pair = pair_open();

	opened += 3;
	must(!setsockopt(pair.server, SOL_SOCKET, SO_LINGER, &linger, sizeof linger),
	     "SO_LINGER");
	while (send(pair.server, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
		;
	lingering = pair.server;
	blocked = pair;
}

static void *run(void *call)
{
	int old;

	pthread_cleanup_push(clean_up, NULL);
	if (ending == ASYNCHRONOUS)
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
	if (ending == JUMPING && sigsetjmp(away, 1))
		pthread_exit(PTHREAD_CANCELED);
	atomic_store(&thread_id, (int)syscall(SYS_gettid));
	((void (*)(void))call)();
	for (;;)
		pause();
	pthread_cleanup_pop(0);
	return NULL;
}

static int is_asleep(void)
{
	char path[64], line[256] = "";
	FILE *file;

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread_id);
	file = fopen(path, "r");
	if (!file || !fgets(line, sizeof line, file))
		line[0] = '\0';
	if (file)
		fclose(file);
	return strstr(line, ") S ") != NULL;
}

static void end(pthread_t thread)
{
	if (ending == DEFERRED || ending == ASYNCHRONOUS)
		pthread_cancel(thread);
	else
		pthread_kill(thread, SIGUSR1);
}

static void *end_and_join(pthread_t thread)
{
	void *result;

	end(thread);
	must(!pthread_join(thread, &result), "pthread_join");
	return result;
}

static void end_in(const char *name, void (*call)(void))
{
	pthread_t thread;
	void *result;

	cleaned = thread_id = 0;
	must(!pthread_create(&thread, NULL, run, (void *)call), "pthread_create");
	while (!thread_id || !is_asleep())
		;
	result = end_and_join(thread);
	printf("%s in %s: %s, cleaned up %d\n", names[ending], name,
	       result == PTHREAD_CANCELED ? "yes" : "no", cleaned);
}

/* The calls of one thread; where it is ended shows in `held`. */
static volatile int held[2];

static void churn(void)
{
	for (;;) {
		int ends[2];
		char byte = 'x';

		must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
		held[0] = ends[0];
		held[1] = ends[1];
		opened += 2;
		if (write(ends[0], &byte, 1) != 1 || recv(ends[1], &byte, 1, 0) != 1)
			abort();
		close(ends[0]);
		closed++;
		if (recv(ends[1], &byte, 1, 0) != 0)
			abort();
		close(ends[1]);
		closed++;
	}
}

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* All but what was open before is what the thread left. */
static void close_what_is_left(const char before[64])
{
	for (int fd = 0; fd < 64; fd++) {
		if (!before[fd] && is_open(fd) && !close(fd))
			closed++;
	}
}

static void end_midway(int rounds)
{
	char before[64];
	unsigned ended = 0;

	for (int fd = 0; fd < 64; fd++)
		before[fd] = (char)is_open(fd);
	for (int i = 0; i < rounds; i++) {
		pthread_t thread;
		struct timespec a_while = {0, (i * 7919) % 200000};

		thread_id = 0;
		must(!pthread_create(&thread, NULL, run, (void *)churn),
		     "pthread_create");
		while (!thread_id)
			;
		nanosleep(&a_while, NULL);
		ended += end_and_join(thread) == PTHREAD_CANCELED;
		close_what_is_left(before);
	}
	printf("%s midway: %u\n", names[ending], ended);
}

static void end_in_each(void)
{
	blocked = pair_open();
	opened += 3;
	end_in("accept", in_accept);
	end_in("recv", in_recv);
	must(!close(blocked.client) && !close(blocked.server) && !close(blocked.listener),
	     "close");
	closed += 3;
	lingering_open();
	end_in("close", in_close);
	printf("closed: %s\n", is_open(lingering) ? "no" : "yes");
	must(!close(blocked.client) && !close(blocked.listener), "close");
	closed += 3;
}

static __attribute__((noinline)) void leak(void)
{
	char byte;
	struct pair pair = pair_open();

	opened += 3;
	must(!close(pair.client) && !close(pair.listener), "close");
	closed += 2;
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = end_thread};
	int rounds = argc > 2 ? atoi(argv[2]) : 100;

	sigaction(SIGUSR1, &action, NULL);
	for (ending = DEFERRED; ending <= JUMPING; ending++) {
		end_in_each();
		end_midway(rounds);
	}
	leak();
	hold(argc > 1 ? atoi(argv[1]) : 0);
	printf("opened %u closed %u\n", opened, closed);
	return 0;
}
