/* SPDX-License-Identifier: MIT */
/*
 * Sends itself signals that would kill it but are blocked, takes them with sigwait, and leaks one
 * connection whose EOF it has read.
 *
 * Usage: raise_blocked raise|kill|pthread_kill
 */
#include <pthread.h>
#include <signal.h>

#include "loopback.h"

static void nothing(int sig)
{
	(void)sig;
}

/* The kernel puts the default back, where no library can see it. */
static void used_up(int sig)
{
	struct sigaction once = {.sa_handler = nothing, .sa_flags = SA_RESETHAND};

	must(!sigaction(sig, &once, NULL), "sigaction");
	must(!raise(sig), "raise");
}

static void send_blocked(const char *how)
{
	if (!strcmp(how, "raise"))
		must(!raise(SIGUSR1), "raise");
	else if (!strcmp(how, "kill"))
		must(!kill(getpid(), SIGUSR1), "kill");
	else
		must(!pthread_kill(pthread_self(), SIGUSR1), "pthread_kill");
}

int main(int argc, char **argv)
{
	struct pair pair = pair_open();
	sigset_t set;
	char byte;
	int got;

	if (argc < 2)
		return 2;
	used_up(SIGUSR1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	must(!sigprocmask(SIG_BLOCK, &set, NULL), "sigprocmask");
	send_blocked(argv[1]);
	must(!sigwait(&set, &got), "sigwait");
	close(pair.client);
	await_readable(pair.server);
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
	hold(60);
	return 0;
}
