/* SPDX-License-Identifier: MIT */
/*
 * Reads a header of 16 bytes, in a loop that forgets that recv() may return 0. A peer
 * that closes early sends it round and round: real ones burn a CPU for ever, this one
 * gives up after 1000 turns and closes.
 *
 * The report must say: no leak; the fault `eof-spin`, read in read_header.
 *
 * Usage: eof_spin [PORT [CONNECTIONS]]. It accepts CONNECTIONS (default 1), then waits to
 * be ended.
 */
#include <unistd.h>

#include "listen.h"

STEP int read_header(int fd, char *header, size_t size)
{
	size_t length = 0;

	for (int turn = 0; turn < 1000; turn++) {
		ssize_t n = recv(fd, header + length, size - length, 0);

		if (n < 0)
			return -1;
		length += (size_t)n; /* the bug: 0 is no progress, it is the end */
		if (length == size)
			return 0;
	}
	return -1;
}

int main(int argc, char **argv)
{
	int listener = listen_on(argument(argc, argv, 1, 65432));
	int connections = argument(argc, argv, 2, 1);

	for (int i = 0; i < connections; i++) {
		int fd = accept(listener, NULL, NULL);
		char header[16];

		if (fd < 0)
			return 1;
		if (!read_header(fd, header, sizeof header))
			send(fd, "ok\n", 3, MSG_NOSIGNAL);
		close(fd);
	}
	printf("served %d\n", connections);
	fflush(stdout);
	for (;;)
		pause();
}
