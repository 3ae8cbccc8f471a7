/* SPDX-License-Identifier: MIT */
/* A thread for each connection, which reads to EOF and closes. */
#include <pthread.h>
#include <stdint.h>

#include "listener.h"

static void *serve(void *argument)
{
	int fd = (int)(intptr_t)argument;

	read_to_eof(fd);
	must(!close(fd), "close");
	return NULL;
}

int main(void)
{
	int listener = listen_and_tell();
	pthread_attr_t detached;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;

		must(fd >= 0, "accept");
		must(!pthread_create(&thread, &detached, serve, (void *)(intptr_t)fd),
		     "pthread_create");
	}
}
