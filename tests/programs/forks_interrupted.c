/* SPDX-License-Identifier: MIT */
/*
 * Forks while a timer's handler opens and closes sockets, and leaks one in the end. Prints how
 * many children found another signal mask than their parent has.
 *
 * Usage: forks_interrupted HOLD_MS CHILDREN
 */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "loopback.h"

static void handler(int unused)
{
	int saved = errno;
	int ends[2];

	(void)unused;
	if (!socketpair(AF_UNIX, SOCK_STREAM, 0, ends) && !close(ends[0]))
		close(ends[1]);
	errno = saved;
}

static void set_timer(int us)
{
	struct itimerval every = {{0, us}, {0, us}};

	must(!setitimer(ITIMER_REAL, &every, NULL), "setitimer");
}

static int has_other_mask(void)
{
	sigset_t mask;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int sig = 1; sig < NSIG; sig++) {
		if (sigismember(&mask, sig) != (sig == SIGUSR2))
			return 1;
	}
	return 0;
}

static int forked(void)
{
	pid_t pid = fork();
	int status;

	must(pid >= 0, "fork");
	if (!pid)
		_exit(has_other_mask());
	while (waitpid(pid, &status, 0) < 0)
		must(errno == EINTR, "waitpid");
	return status != 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	int others = 0;
	int ends[2];
	sigset_t one;
	char byte;

	if (argc < 3)
		return 2;
	sigemptyset(&one);
	sigaddset(&one, SIGUSR2);
	sigprocmask(SIG_BLOCK, &one, NULL);
	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends) && !close(ends[0]), "socketpair");
	must(read(ends[1], &byte, 1) == 0, "EOF");
	must(!sigaction(SIGALRM, &action, NULL), "sigaction");
	set_timer(200);
	for (int i = 0; i < atoi(argv[2]); i++)
		others += forked();
	set_timer(0);
	others += has_other_mask();
	printf("other masks %d\n", others);
	hold(atoi(argv[1]));
	return 0;
}
