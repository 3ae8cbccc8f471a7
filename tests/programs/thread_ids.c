/* SPDX-License-Identifier: MIT */
/*
 * Leaks a connection in each of its threads and those of its children, of fork() and of the system
 * call that libc is not told of. Prints the id that the kernel has for each of them.
 *
 * Usage: thread_ids [child]: in a child of the latter alone, which is the first to have a socket.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "loopback.h"

#define HOLD 60 /* ms */

static void leak(void)
{
	struct pair pair = pair_open();

	close(pair.client);
	close(pair.listener);
	printf("%ld\n", syscall(SYS_gettid));
	fflush(stdout);
}

static void *leak_in_thread(void *unused)
{
	leak();
	return unused;
}

static void in_thread(void *(*run)(void *))
{
	pthread_t thread;

	must(!pthread_create(&thread, NULL, run, NULL), "pthread_create");
	must(!pthread_join(thread, NULL), "pthread_join");
}

static pid_t raw_fork(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static void in_child(pid_t (*make)(void))
{
	pid_t pid = make();
	int status;

	must(pid >= 0, "fork");
	if (!pid) {
		leak();
		in_thread(leak_in_thread);
		hold(HOLD);
		exit(0);
	}
	must(waitpid(pid, &status, 0) == pid && !status, "a child");
}

/* The first that its thread does; its children have nothing but their own. */
static void *fork_and_leak(void *unused)
{
	in_child(raw_fork);
	in_child(fork);
	leak();
	return unused;
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) { /* the child makes the trace */
		in_child(raw_fork);
		return 0;
	}
	close(socket(AF_INET, SOCK_STREAM, 0));
	in_child(raw_fork);
	in_child(fork);
	in_thread(fork_and_leak);
	leak();
	hold(HOLD);
	return 0;
}
