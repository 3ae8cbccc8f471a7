/* SPDX-License-Identifier: MIT */
/*
 * A server that lives long enough to be trusted with its numbers: it accepts, reads to the end and
 * closes CONNECTIONS times. Then the number of one that it accepted is closed, and gets another
 * connection, with no call that a library could see; the end of that one is read. It stays open, or
 * is closed after HOLD_MS.
 *
 * Usage: place_taken CONNECTIONS HOLD_MS left|closed
 */
#include "loopback.h"
#include "out_of_sight.h"

static int listener;
static struct sockaddr_in address;

__attribute__((noinline)) static int connect_to_it(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(!connect(fd, (struct sockaddr *)&address, sizeof address), "connect");
	return fd;
}

__attribute__((noinline)) static int take(void)
{
	return accept(listener, NULL, NULL);
}

__attribute__((noinline)) static void read_end(int fd)
{
	char byte;

	await_readable(fd);
	must(recv(fd, &byte, 1, 0) == 0, "the end");
}

static void serve_well(void)
{
	int client = connect_to_it(), fd = take();

	must(!close(client), "close");
	read_end(fd);
	must(!close(fd), "close");
}

int main(int argc, char **argv)
{
	socklen_t size = sizeof address;
	struct pair pair = pair_open();
	int first, client, fd;

	must(argc == 4, "arguments");
	listener = pair.listener;
	must(!getsockname(listener, (struct sockaddr *)&address, &size), "getsockname");
	for (int i = 0; i < atoi(argv[1]); i++)
		serve_well();
	first = connect_to_it();
	fd = take();
	client = connect_to_it();
	must(!raw_close(fd), "close");
	must(raw_accept(listener) == fd, "the same number");
	must(!close(client) && !close(first), "close");
	read_end(fd);
	hold(atoi(argv[2]));
	if (!strcmp(argv[3], "closed"))
		must(!close(fd), "close");
	must(!close(pair.client) && !close(pair.server), "close");
	return 0;
}
