/* SPDX-License-Identifier: MIT */
/* For second_libc.c: a thread made by whatever libc this library is loaded with. */
#include <pthread.h>

int begin(void *(*run)(void *));
int end(void);

static pthread_t thread;

int begin(void *(*run)(void *))
{
	return pthread_create(&thread, NULL, run, NULL);
}

int end(void)
{
	return pthread_join(thread, NULL);
}
