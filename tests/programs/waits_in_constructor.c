/* SPDX-License-Identifier: MIT */
/*
 * A library whose constructor waits for a thread of its own, which opens the first socket of
 * the process: the loader's lock is held all the while. Built with -DHOST it is the program
 * that loads it.
 *
 * Usage: waits_in_constructor LIBRARY (the program)
 */
#include <dlfcn.h>
#include <pthread.h>

#include "loopback.h"

#ifdef HOST
int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	must(dlopen(argv[1], RTLD_NOW) != NULL, "dlopen");
	puts("loaded");
	return 0;
}
#else
static void *open_first(void *unused)
{
	must(!close(socket(AF_INET, SOCK_STREAM, 0)), "close");
	return unused;
}

__attribute__((constructor)) static void wait_for_thread(void)
{
	pthread_t thread;

	must(!pthread_create(&thread, NULL, open_first, NULL), "pthread_create");
	must(!pthread_join(thread, NULL), "pthread_join");
}
#endif
