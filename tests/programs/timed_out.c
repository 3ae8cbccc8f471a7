/* SPDX-License-Identifier: MIT */
/*
 * Lets a connection time out in a network of its own, by taking its interface down, learns of it
 * and keeps the descriptor.
 *
 * Usage: timed_out HOLD_MS read|write|async (77: no network of its own can be had here)
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "loopback.h"

static int interface(int up)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = (short)(up ? IFF_UP : 0)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int r = ioctl(fd, SIOCSIFFLAGS, &request);

	close(fd);
	return r;
}

static void own_network(void)
{
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		exit(77);
	if (interface(1))
		exit(77);
}

/* connect() has not waited, and nobody has told us since that it worked. */
static int connecting(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	must(!bind(listener, (struct sockaddr *)&address, size), "bind");
	must(!listen(listener, 1), "listen");
	must(!getsockname(listener, (struct sockaddr *)&address, &size), "getsockname");
	must(connect(fd, (struct sockaddr *)&address, size) && errno == EINPROGRESS,
	     "connect");
	return fd;
}

int main(int argc, char **argv)
{
	int milliseconds = 300, one = 1, fd;
	char byte = 0;
	ssize_t n;

	if (argc != 3)
		return 2;
	own_network();
	fd = !strcmp(argv[2], "async") ? connecting() : pair_open().server;
	must(!setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds,
			 sizeof milliseconds),
	     "TCP_USER_TIMEOUT");
	if (!strcmp(argv[2], "async")) {
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &one, sizeof one);
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &one, sizeof one);
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &one, sizeof one);
	}
	must(!interface(0), "lo down");
	if (strcmp(argv[2], "async"))
		must(send(fd, "answer", 6, 0) == 6, "send");
	await_readable(fd);
	n = !strcmp(argv[2], "write") ? send(fd, &byte, 1, MSG_NOSIGNAL)
				      : recv(fd, &byte, 1, 0);
	printf("%s\n", n < 0 ? strerror(errno) : "no error");
	hold(atoi(argv[1]));
	return 0;
}
