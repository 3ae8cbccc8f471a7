/* SPDX-License-Identifier: MIT */
/*
 * Opens COUNT connections, IN_FLIGHT at a time: each sends a request and is over when the server
 * has closed it.
 *
 * Usage: load_connections PORT COUNT IN_FLIGHT finish|ask
 * "finish" sends 64 bytes and a FIN; "ask" sends an HTTP request, and the server closes first.
 */
#include "listener.h"

static const char http[] = "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";

static int open_one(const struct sockaddr_in *address, int finish)
{
	char bytes[64] = {0};
	const char *request = finish ? bytes : http;
	size_t size = finish ? sizeof bytes : sizeof http - 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(fd >= 0, "socket");
	must(!connect(fd, (const struct sockaddr *)address, sizeof *address), "connect");
	must(send(fd, request, size, 0) == (ssize_t)size, "send");
	if (finish)
		must(!shutdown(fd, SHUT_WR), "shutdown");
	return fd;
}

static void await_end(int fd)
{
	read_to_eof(fd);
	must(!close(fd), "close");
}

int main(int argc, char **argv)
{
	struct sockaddr_in address;
	int in_flight;
	int finish;
	int *fds;

	if (argc < 5)
		return 2;
	address = loopback(atoi(argv[1]));
	in_flight = atoi(argv[3]);
	finish = !strcmp(argv[4], "finish");
	fds = calloc((size_t)in_flight, sizeof *fds);
	must(fds != NULL, "calloc");
	for (int i = 0; i < atoi(argv[2]); i++) {
		int *slot = &fds[i % in_flight];

		if (*slot)
			await_end(*slot);
		*slot = open_one(&address, finish);
	}
	for (int i = 0; i < in_flight; i++) {
		if (fds[i])
			await_end(fds[i]);
	}
	return 0;
}
