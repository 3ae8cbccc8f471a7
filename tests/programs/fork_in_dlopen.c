/* SPDX-License-Identifier: MIT */
/*
 * Forks children while a thread is loading and unloading a library. Each child leaks a
 * socket whose EOF it has read. "used": the parent had sockets before; "unused": it has
 * none, so that a child is the first that needs anything of the tracer.
 *
 * Usage: fork_in_dlopen LIBRARY CHILDREN used|unused
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "loopback.h"

static _Atomic int stop;
static _Atomic long loads;

static void *load(void *path)
{
	while (!stop) {
		void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

		must(library != NULL, "dlopen");
		dlclose(library);
		loads++;
	}
	return NULL;
}

static __attribute__((noinline)) void leak(void)
{
	int ends[2];
	char byte;

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	must(!close(ends[1]), "close");
	must(read(ends[0], &byte, 1) == 0, "EOF");
}

/* One that nobody can leave. */
static void use_sockets(void)
{
	must(!close(socket(AF_INET, SOCK_STREAM, 0)), "close");
}

/* Each fork at another moment of a load. */
static void child_comes_and_goes(void)
{
	long seen = loads;
	int status;
	pid_t pid;

	while (loads == seen)
		;
	pid = fork();
	must(pid >= 0, "fork");
	if (!pid) {
		leak();
		_exit(7);
	}
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	printf("%d %d\n", (int)pid, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc < 4)
		return 2;
	if (!strcmp(argv[3], "used"))
		use_sockets();
	pthread_create(&thread, NULL, load, argv[1]);
	for (int i = 0; i < atoi(argv[2]); i++)
		child_comes_and_goes();
	stop = 1;
	pthread_join(thread, NULL);
	return 0;
}
