/* SPDX-License-Identifier: MIT */
/* What every server of the benchmarks begins with. */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static inline void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(99);
	}
}

static inline struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* Listens on a port that the kernel chooses, and prints it. */
static inline int listen_and_tell(void)
{
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0, "socket");
	must(!bind(fd, (struct sockaddr *)&address, size), "bind");
	must(!listen(fd, 512), "listen");
	must(!getsockname(fd, (struct sockaddr *)&address, &size), "getsockname");
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

/* Reads until the peer's FIN. */
static inline void read_to_eof(int fd)
{
	char bytes[4096];
	ssize_t n;

	do
		n = recv(fd, bytes, sizeof bytes, 0);
	while (n > 0);
	must(n == 0, "recv");
}
