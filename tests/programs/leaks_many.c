/* SPDX-License-Identifier: MIT */
/*
 * Serves COUNT connections whole, a byte to and fro, leaks each after its EOF, and says
 * how many it has served: more than some places have room to write down.
 *
 * Usage: leaks_many HOLD_MS COUNT
 */
#include "loopback.h"

static __attribute__((noinline)) void serve(int listener)
{
	int fd = accept(listener, NULL, NULL);
	char byte;

	must(fd >= 0, "accept");
	must(recv(fd, &byte, 1, 0) == 1, "recv");
	must(send(fd, &byte, 1, 0) == 1, "send");
	must(recv(fd, &byte, 1, 0) == 0, "EOF");
}

static int connect_to(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(fd >= 0, "socket");
	must(!connect(fd, (const struct sockaddr *)address, sizeof *address), "connect");
	must(send(fd, "x", 1, 0) == 1, "send");
	must(!shutdown(fd, SHUT_WR), "shutdown");
	return fd;
}

static void come_and_go(int listener, const struct sockaddr_in *address)
{
	int fd = connect_to(address);
	char byte;

	serve(listener);
	must(recv(fd, &byte, 1, 0) == 1 && byte == 'x', "the answer");
	must(!close(fd), "close");
}

int main(int argc, char **argv)
{
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	struct pair first;
	int served = 0;

	if (argc < 3)
		return 2;
	first = pair_open();
	must(!close(first.client) && !close(first.server), "close");
	must(!getsockname(first.listener, (struct sockaddr *)&address, &size),
	     "getsockname");
	for (; served < atoi(argv[2]); served++)
		come_and_go(first.listener, &address);
	printf("served %d\n", served);
	hold(atoi(argv[1]));
	return 0;
}
