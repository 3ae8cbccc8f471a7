/* SPDX-License-Identifier: MIT */
/* What is an EOF or a reset, and what is none. */
#include <fcntl.h>
#include <signal.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "eof_rules.h"
#include "out_of_sight.h"

/* What is no EOF. */

static void zero_length_recv(void)
{
	told("recv", recv(peer_closed().server, buffer, 0, 0));
}

static void zero_length_read(void)
{
	told("read", read(peer_closed().server, buffer, 0));
}

static void zero_length_readv(void)
{
	struct iovec vector[2] = {{buffer, 0}, {buffer, 0}};

	told("readv", readv(peer_closed().server, vector, 2));
}

static void zero_length_read_of_a_live_connection(void)
{
	told("read", read(pair_open().server, buffer, 0));
}

static void zero_length_datagram(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int to = socket(AF_INET, SOCK_DGRAM, 0), from = socket(AF_INET, SOCK_DGRAM, 0);

	must(!bind(to, (struct sockaddr *)&address, size), "bind");
	must(!getsockname(to, (struct sockaddr *)&address, &size), "getsockname");
	must(!connect(from, (struct sockaddr *)&address, size), "connect");
	must(send(from, "", 0, 0) == 0, "send");
	await_readable(to);
	told("recv", recv(to, buffer, sizeof buffer, 0));
}

static void zero_length_packet(void)
{
	int ends[2];

	must(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), "socketpair");
	must(send(ends[0], "", 0, 0) == 0, "send");
	await_readable(ends[1]);
	told("recv", recv(ends[1], buffer, sizeof buffer, 0));
}

static void after_own_shutdown_of_reading(void)
{
	int fd = pair_open().server;

	must(!shutdown(fd, SHUT_RD), "shutdown");
	told("recv", recv(fd, buffer, sizeof buffer, 0));
}

/* The peer's FIN comes later, and this 0 is still our own doing: it was never learned. */
static void own_shutdown_of_reading_then_fin(void)
{
	struct pair pair = pair_open();

	must(!shutdown(pair.server, SHUT_RD), "shutdown");
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
	close(pair.client);
}

/* The peer is there still. */
static void after_shutdown_of_reading_by_another_process(void)
{
	int fd = pair_open().server, status;
	pid_t child = fork();

	if (!child)
		_exit(raw_call(SYS_shutdown, fd, SHUT_RD, 0) != 0);
	must(waitpid(child, &status, 0) == child && !status, "the child");
	told("recv", recv(fd, buffer, sizeof buffer, 0));
}

/* What is no reset. */

static void spliced_into_a_broken_pipe(void)
{
	struct pair pair = pair_open();
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	must(!pipe(ends) && !close(ends[0]), "pipe");
	must(send(pair.client, "hello", 5, 0) == 5, "send");
	await_readable(pair.server);
	told("splice", splice(pair.server, NULL, ends[1], NULL, 5, 0));
}

/* What is one. */

static void peeked(void)
{
	told("recv", recv(peer_closed().server, buffer, sizeof buffer, MSG_PEEK));
}

static void unix_stream(void)
{
	int ends[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	close(ends[1]);
	told("recv", recv(ends[0], buffer, sizeof buffer, 0));
}

STEP void learn_again(int fd)
{
	told("recv", recv(fd, buffer, sizeof buffer, 0));
}

static void second_eof(void)
{
	int fd = peer_closed().server;

	learn_first(fd);
	learn_again(fd);
}

static void read_on_the_copy(void)
{
	int fd = peer_closed().server, copy = dup(fd);

	must(copy >= 0 && !close(fd), "close");
	told("recv", recv(copy, buffer, sizeof buffer, 0));
}

static void read_on_the_copy_all_closed(void)
{
	int fd = peer_closed().server, copy = fcntl(fd, F_DUPFD, 50);

	told("recv", recv(copy, buffer, sizeof buffer, 0));
	must(!close(fd) && !close(copy), "close");
}

static const struct eof_case cases[] = {
	{"zero_length_recv", zero_length_recv, "eof-unread", 1},
	{"zero_length_read", zero_length_read, "eof-unread", 1},
	{"zero_length_readv", zero_length_readv, "eof-unread", 1},
	{"zero_length_read_of_a_live_connection", zero_length_read_of_a_live_connection,
	 "-", 0},
	{"zero_length_datagram", zero_length_datagram, "-", 0},
	{"zero_length_packet", zero_length_packet, "-", 0},
	{"after_own_shutdown_of_reading", after_own_shutdown_of_reading, "-", 0},
	{"own_shutdown_of_reading_then_fin", own_shutdown_of_reading_then_fin,
	 "eof-unread", 1},
	{"after_shutdown_of_reading_by_another_process",
	 after_shutdown_of_reading_by_another_process, "-", 0},
	{"spliced_into_a_broken_pipe", spliced_into_a_broken_pipe, "-", 0},
	{"peeked", peeked, "eof-ignored", 1},
	{"unix_stream", unix_stream, "eof-ignored", 1},
	{"second_eof", second_eof, "eof-ignored", 1},
	{"read_on_the_copy", read_on_the_copy, "eof-ignored", 1},
	{"read_on_the_copy_all_closed", read_on_the_copy_all_closed, "-", 0},
};

const struct eof_cases eof_kinds = {cases, sizeof cases / sizeof *cases};
