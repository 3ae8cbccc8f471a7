/* SPDX-License-Identifier: MIT */
/*
 * One thread takes a descriptor table of its own with close_range(CLOSE_RANGE_UNSHARE), and opens
 * and closes sockets in it under the numbers of those that the main thread keeps. That one leaks
 * one connection whose EOF it has read.
 *
 * Usage: unshared thread|call|alone|fork|exit. call: by unshare(); alone: no thread, all is closed before the leak; fork:
 * the thread forks a child that leaks one, too; exit: the thread ends the process.
 */
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>

#include "loopback.h"

static const char *way;

static void leak(struct pair pair)
{
	char byte;

	close(pair.client);
	await_readable(pair.server);
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
	hold(60);
}

static void *leaves(void *unused)
{
	struct pair pair;

	if (!strcmp(way, "call"))
		must(!unshare(CLONE_FILES) && !close_range(3, ~0u, 0), "unshare");
	else
		must(!close_range(3, ~0u, CLOSE_RANGE_UNSHARE), "close_range");
	pair = pair_open();
	if (!strcmp(way, "fork")) {
		pid_t pid = fork();

		if (!pid) {
			leak(pair_open());
			_exit(0);
		}
		must(pid > 0 && waitpid(pid, NULL, 0) == pid, "child");
	}
	close(pair.client);
	close(pair.server);
	close(pair.listener);
	return unused;
}

static void *leaves_and_ends(void *unused)
{
	leaves(unused);
	exit(0);
}

int main(int argc, char **argv)
{
	struct pair pair = pair_open();
	pthread_t thread;

	if (argc < 2)
		return 2;
	way = argv[1];
	if (!strcmp(way, "alone")) {
		must(!close_range(3, ~0u, CLOSE_RANGE_UNSHARE), "close_range");
		leak(pair_open());
		return 0;
	}
	if (!strcmp(way, "exit"))
		leak(pair);
	must(!pthread_create(&thread, NULL,
			     strcmp(way, "exit") ? leaves : leaves_and_ends, NULL),
	     "pthread_create");
	pthread_join(thread, NULL);
	leak(pair);
	return 0;
}
