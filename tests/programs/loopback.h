/* SPDX-License-Identifier: MIT */
/* Both ends of one TCP connection over loopback, in one process. */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct pair {
	int listener;
	int client; /* from connect() */
	int server; /* from accept() */
};

static inline void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(99);
	}
}

static inline struct pair pair_open(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	struct pair pair;

	pair.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(pair.listener >= 0, "socket");
	must(!bind(pair.listener, (struct sockaddr *)&address, size), "bind");
	must(!listen(pair.listener, 16), "listen");
	must(!getsockname(pair.listener, (struct sockaddr *)&address, &size),
	     "getsockname");
	pair.client = socket(AF_INET, SOCK_STREAM, 0);
	must(!connect(pair.client, (struct sockaddr *)&address, size), "connect");
	pair.server = accept(pair.listener, NULL, NULL);
	must(pair.server >= 0, "accept");
	return pair;
}

/* Returns when the kernel has the peer's FIN, or its reset, or bytes. By select(), which does not
 * tell which it is. */
static inline void await_readable(int fd)
{
	struct timeval limit = {.tv_sec = 10};
	fd_set fds;

	must(fd < FD_SETSIZE, "a number for select");
	FD_ZERO(&fds);
	FD_SET(fd, &fds);
	must(select(fd + 1, &fds, NULL, NULL, &limit) == 1, "select");
}

/* Lets time pass: what is younger than `grace` is not judged. */
static inline void hold(int ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	while (nanosleep(&left, &left))
		;
}
