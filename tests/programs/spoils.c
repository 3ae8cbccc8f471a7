/* SPDX-License-Identifier: MIT */
/*
 * A library that does to its host, as SPOIL says, what a tracer must not do: for the tests of
 * the tests.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *way = "";

static void *wait_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void ignore(int number)
{
	(void)number;
}

static void child(void)
{
	int pid = fork();

	if (pid == 0) {
		for (int i = 0; i < 3; i++)
			syscall(SYS_close, i);
		alarm(5);
		pause();
	}
}

static __attribute__((constructor)) void spoil(void)
{
	sigset_t set;
	pthread_t thread;

	way = getenv("SPOIL") ? getenv("SPOIL") : "";
	if (!strcmp(way, "descriptor"))
		open("/dev/null", O_RDONLY);
	if (!strcmp(way, "thread"))
		pthread_create(&thread, NULL, wait_for_ever, NULL);
	if (!strcmp(way, "child"))
		child();
	if (!strcmp(way, "handler"))
		signal(SIGUSR2, ignore);
	if (!strcmp(way, "mask")) {
		sigemptyset(&set);
		sigaddset(&set, SIGWINCH);
		sigprocmask(SIG_BLOCK, &set, NULL);
	}
	if (!strcmp(way, "output"))
		puts("hello");
	if (!strcmp(way, "error"))
		fputs("hello\n", stderr);
}

static __attribute__((destructor)) void leave(void)
{
	if (!strcmp(way, "status"))
		_exit(77);
}

/* errno of a call that failed. */
int shutdown(int fd, int how)
{
	int r = (int)syscall(SYS_shutdown, fd, how);

	if (r < 0 && !strcmp(way, "errno"))
		errno = EIO;
	return r;
}
