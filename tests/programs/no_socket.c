/* SPDX-License-Identifier: MIT */
/* Opens files and pipes, no socket. Prints what it can see of signals and descriptors. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE,
			       SIGALRM, SIGXCPU, SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
	struct sigaction action;
	int ends[2];

	for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
		sigaction(signals[i], NULL, &action);
		printf("signal %d %s\n", signals[i],
		       action.sa_handler == SIG_DFL   ? "default"
		       : action.sa_handler == SIG_IGN ? "ignored"
						      : "handled");
	}
	if (pipe(ends))
		return 1;
	printf("pipe %d %d\n", ends[0], ends[1]);
	close(ends[0]);
	printf("open %d\n", open("/dev/null", O_RDONLY));
	return 0;
}
