/* SPDX-License-Identifier: MIT */
/*
 * Leaks one connection, then does nothing but malloc and free, in one thread or more: a
 * signal that ends it finds libc's heap in the middle of a change.
 *
 * Usage: malloc_loops HOLD_MS THREADS
 */
#include <pthread.h>

#include "loopback.h"

#define BLOCKS 64

static void *allocate(void *unused)
{
	void *blocks[BLOCKS] = {NULL};

	(void)unused;
	for (unsigned long random = 1;; random = random * 6364136223846793005ul + 1) {
		unsigned i = (unsigned)(random >> 58) % BLOCKS;

		free(blocks[i]);
		blocks[i] = malloc((random >> 33) % 3000);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct pair pair = pair_open();
	pthread_t thread;
	char byte;

	if (argc < 3)
		return 2;
	close(pair.client);
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
	hold(atoi(argv[1]));
	for (int i = 1; i < atoi(argv[2]); i++)
		pthread_create(&thread, NULL, allocate, NULL);
	printf("ready\n");
	fflush(stdout);
	allocate(NULL);
}
