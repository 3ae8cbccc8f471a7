/* SPDX-License-Identifier: MIT */
/*
 * A master with workers that share its listening socket. A worker answers each
 * connection with its pid and reads to EOF; if the request was "leak" it then forgets the
 * connection, else it closes it. SIGTERM to the master ends the workers, then the master.
 *
 * Usage: prefork PORT [WORKERS]
 */
#include <signal.h>
#include <sys/wait.h>

#include "../../examples/listen.h"
#include <string.h>
#include <unistd.h>

#define WORKERS 2 /* if nothing else is said */

static volatile sig_atomic_t stop;

static void on_term(int signal)
{
	stop = signal;
}

STEP void worker_serve(int listener)
{
	int fd = accept(listener, NULL, NULL);
	char request[16] = "", answer[32];
	char rest;

	if (fd < 0)
		_exit(1);
	if (recv(fd, request, sizeof request - 1, 0) <= 0)
		_exit(1);
	snprintf(answer, sizeof answer, "%d\n", (int)getpid());
	if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) <= 0)
		_exit(1);
	while (recv(fd, &rest, 1, 0) > 0)
		;
	printf("worker %d %s\n", (int)getpid(), request);
	fflush(stdout);
	if (strcmp(request, "leak"))
		close(fd);
}

static pid_t start_worker(int listener)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	signal(SIGTERM, SIG_DFL);
	for (;;)
		worker_serve(listener);
}

int main(int argc, char **argv)
{
	int listener = listen_on(argument(argc, argv, 1, 0));
	struct sigaction action = {.sa_handler = on_term};
	int count = argument(argc, argv, 2, WORKERS);
	pid_t *workers = calloc((size_t)count, sizeof *workers);

	sigaction(SIGTERM, &action, NULL);
	for (int i = 0; workers && i < count; i++)
		workers[i] = start_worker(listener);
	while (!stop)
		pause();
	for (int i = 0; workers && i < count; i++)
		kill(workers[i], SIGTERM);
	while (wait(NULL) > 0)
		;
	printf("master %d ends\n", (int)getpid());
	return 0;
}
