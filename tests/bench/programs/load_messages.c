/* SPDX-License-Identifier: MIT */
/*
 * Exchanges messages of 64 bytes with a server that sends them back.
 *
 * Usage: load_messages PORT CONNECTIONS WINDOW MESSAGES ROUNDS
 * In each round CONNECTIONS are opened, each of them exchanges MESSAGES with WINDOW of them in
 * flight, and all are closed.
 */
#include <poll.h>

#include "listener.h"

#define MESSAGE 64

struct exchange {
	long to_send; /* bytes */
	long to_come;
};

static char bytes[MESSAGE * 1024];

static void send_some(int fd, struct exchange *e, long size)
{
	if (size > e->to_send)
		size = e->to_send;
	/* Each by itself, as a client would. */
	for (long sent = 0; sent < size; sent += MESSAGE)
		must(send(fd, bytes, MESSAGE, 0) == MESSAGE, "send");
	e->to_send -= size;
}

/* Whole messages, so that as many are sent again. */
static void answer(int fd, struct exchange *e)
{
	ssize_t n = recv(fd, bytes, sizeof bytes, 0);

	must(n > 0, "recv");
	while (n % MESSAGE) {
		ssize_t more = recv(fd, bytes, (size_t)(MESSAGE - n % MESSAGE), 0);

		must(more > 0, "recv");
		n += more;
	}
	e->to_come -= n;
	send_some(fd, e, n);
}

static void one_round(const struct sockaddr_in *address, int connections, int window,
		      long messages)
{
	struct pollfd *polls = calloc((size_t)connections, sizeof *polls);
	struct exchange *exchanges = calloc((size_t)connections, sizeof *exchanges);
	int left = connections;

	must(polls && exchanges, "calloc");
	for (int i = 0; i < connections; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		must(fd >= 0, "socket");
		must(!connect(fd, (const struct sockaddr *)address, sizeof *address),
		     "connect");
		polls[i] = (struct pollfd){.fd = fd, .events = POLLIN};
		exchanges[i] = (struct exchange){messages * MESSAGE, messages * MESSAGE};
		send_some(fd, &exchanges[i], (long)window * MESSAGE);
	}
	while (left) {
		must(poll(polls, (nfds_t)connections, -1) > 0, "poll");
		for (int i = 0; i < connections; i++) {
			if (polls[i].fd < 0 || !polls[i].revents)
				continue;
			answer(polls[i].fd, &exchanges[i]);
			if (exchanges[i].to_come)
				continue;
			must(!close(polls[i].fd), "close");
			polls[i].fd = -1;
			left--;
		}
	}
	free(polls);
	free(exchanges);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address;

	if (argc < 6)
		return 2;
	address = loopback(atoi(argv[1]));
	for (int i = 0; i < atoi(argv[5]); i++)
		one_round(&address, atoi(argv[2]), atoi(argv[3]), atol(argv[4]));
	return 0;
}
