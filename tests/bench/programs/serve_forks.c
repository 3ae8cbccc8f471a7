/* SPDX-License-Identifier: MIT */
/*
 * A child for each connection, which reads to EOF, closes and exits.
 *
 * At SIGUSR1 it prints the CPU time that its children have taken, in ns: what /proc tells of
 * them from outside comes in hundredths of a second.
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "listener.h"

static long long ns(const struct timeval *t)
{
	return t->tv_sec * 1000000000LL + t->tv_usec * 1000LL;
}

static void tell(int sig)
{
	struct rusage usage;

	(void)sig;
	getrusage(RUSAGE_CHILDREN, &usage);
	dprintf(1, "%lld\n", ns(&usage.ru_utime) + ns(&usage.ru_stime));
}

static void reap(int sig)
{
	int saved = errno;

	(void)sig;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	errno = saved;
}

static __attribute__((noinline)) void serve(int listener)
{
	int fd = accept(listener, NULL, NULL);
	pid_t pid;

	must(fd >= 0, "accept");
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		close(listener);
		read_to_eof(fd);
		close(fd);
		exit(0);
	}
	must(!close(fd), "close");
}

int main(void)
{
	struct sigaction reaps = {.sa_handler = reap, .sa_flags = SA_RESTART};
	struct sigaction tells = {.sa_handler = tell, .sa_flags = SA_RESTART};
	int listener;

	sigaction(SIGCHLD, &reaps, NULL);
	sigaction(SIGUSR1, &tells, NULL);
	listener = listen_and_tell();
	for (;;)
		serve(listener);
}
