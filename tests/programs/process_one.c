/* SPDX-License-Identifier: MIT */
/*
 * Process 1 of a pid namespace: leaks a connection and sleeps while its child sends it
 * signals whose default would end any other process. The kernel ignores them there, and
 * the sleep goes on.
 *
 * Usage: process_one (77: it is not process 1)
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "loopback.h"

static __attribute__((noinline)) void leak(void)
{
	struct pair pair = pair_open();
	char byte;

	close(pair.client);
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
	close(pair.listener);
}

/* The child is alone in a process group of its own and leaves by itself. */
static pid_t start_sender(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	hold(50);
	kill(1, SIGTERM);
	kill(1, SIGHUP);
	kill(1, SIGUSR1);
	_exit(0);
}

int main(void)
{
	struct timespec time = {.tv_nsec = 300000000}, left = {0};
	pid_t sender;

	if (getpid() != 1)
		return 77;
	leak();
	sender = start_sender();
	printf("nanosleep: %s\n", nanosleep(&time, &left) ? strerror(errno) : "whole");
	must(waitpid(sender, NULL, 0) == sender, "waitpid");
	printf("raise: %d\n", raise(SIGTERM));
	printf("alive\n");
	return 0;
}
