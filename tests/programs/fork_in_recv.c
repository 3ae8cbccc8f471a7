/* SPDX-License-Identifier: MIT */
/*
 * A signal handler forks while its thread is blocked in recv: the call goes on twice, in the parent
 * and in the child. The child receives five bytes there, and ends; then its parent receives seven. Three
 * it had before. The peer leaves, and the parent reads that and keeps the socket.
 *
 * Usage: fork_in_recv HOLD_MS
 */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "loopback.h"

static struct pair pair;
static pthread_t main_thread;
static int in_child;
static int status = -1;

static void give(size_t size)
{
	must(send(pair.client, "1234567", size, 0) == (ssize_t)size, "send");
}

static void fork_here(int sig)
{
	pid_t pid = fork();

	(void)sig;
	must(pid >= 0, "fork");
	in_child = pid == 0;
	if (in_child)
		return;
	give(5);
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	give(7);
}

/* Sends the signal when the main thread is inside the system call. */
static void *signaller(void *unused)
{
	char path[64], line[128], wanted[16];
	int inside = 0;

	snprintf(wanted, sizeof wanted, "%d ", (int)SYS_recvfrom);
	snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)getpid());
	while (!inside) {
		FILE *file = fopen(path, "r");

		must(file != NULL, path);
		inside = fgets(line, sizeof line, file) &&
			 !strncmp(line, wanted, strlen(wanted));
		fclose(file);
	}
	pthread_kill(main_thread, SIGUSR1);
	return unused;
}

int main(int argc, char **argv)
{
	struct sigaction act = {.sa_handler = fork_here, .sa_flags = SA_RESTART};
	pthread_t thread;
	char bytes[16];
	ssize_t got;

	if (argc < 2)
		return 2;
	pair = pair_open();
	main_thread = pthread_self();
	sigaction(SIGUSR1, &act, NULL);
	give(3);
	must(recv(pair.server, bytes, sizeof bytes, 0) == 3, "the first recv");
	pthread_create(&thread, NULL, signaller, NULL);
	got = recv(pair.server, bytes, sizeof bytes, 0);
	if (in_child)
		_exit(got == 5 ? 0 : 1);
	must(got == 7 && status == 0, "each its own bytes");
	pthread_join(thread, NULL);
	must(!close(pair.client), "close");
	must(recv(pair.server, bytes, sizeof bytes, 0) == 0, "EOF");
	hold(atoi(argv[1]));
	return 0;
}
