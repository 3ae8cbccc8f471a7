/* SPDX-License-Identifier: MIT */
/*
 * Serves one request a connection: "GET NAME" is answered and closed. The bug: what is
 * no such request returns early, from a place that knows nothing of the socket.
 *
 * The report must say: one group, `eof-unread`, with as many sockets as there were bad
 * requests, none of them read again after handle_request gave up; opened in main; first
 * read in read_line <- handle_request. The good ones were closed in finish.
 *
 * Usage: error_path_leak [PORT [CONNECTIONS]]. It accepts CONNECTIONS (default 40), then
 * waits to be ended.
 */
#include <string.h>
#include <unistd.h>

#include "listen.h"

STEP int read_line(int fd, char *line, size_t size)
{
	size_t length = 0;

	while (length < size - 1) {
		ssize_t n = read(fd, line + length, size - 1 - length);

		if (n <= 0)
			return -1;
		length += (size_t)n;
		line[length] = 0;
		if (line[length - 1] == '\n')
			return 0;
	}
	return -1;
}

STEP int answer(int fd, const char *name)
{
	char text[256];
	int size = snprintf(text, sizeof text, "you asked for %s\n", name);

	return send(fd, text, (size_t)size, MSG_NOSIGNAL) == size ? 0 : -1;
}

STEP void finish(int fd)
{
	shutdown(fd, SHUT_WR);
	close(fd);
}

STEP int handle_request(int fd)
{
	char line[256], name[200];

	if (read_line(fd, line, sizeof line) || sscanf(line, "GET %199s", name) != 1)
		return -1; /* the bug: finish() is not reached */
	if (answer(fd, name))
		perror("send");
	finish(fd);
	return 0;
}

int main(int argc, char **argv)
{
	int listener = listen_on(argument(argc, argv, 1, 65432));
	int connections = argument(argc, argv, 2, 40);
	int bad = 0;

	for (int i = 0; i < connections; i++) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			return 1;
		if (handle_request(fd))
			bad++;
	}
	printf("served %d, bad %d\n", connections, bad);
	fflush(stdout);
	for (;;)
		pause();
}
