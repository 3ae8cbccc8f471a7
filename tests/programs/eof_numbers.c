/* SPDX-License-Identifier: MIT */
/* Numbers that another socket or file has by now, and sockets that are connected anew. */
#include <fcntl.h>

#include "eof_rules.h"
#include "out_of_sight.h"

static void closed_out_of_sight(void)
{
	told("close", raw_close(at_eof()));
}

/* Leaves `fd` as the lowest number that a new file can get. */
static void take_numbers_below(int fd)
{
	int copy;

	while ((copy = dup(STDIN_FILENO)) < fd)
		must(copy >= 0, "dup");
	close(copy);
}

static void number_reused_by_a_socket(void)
{
	int fd = at_eof();

	take_numbers_below(fd);
	must(!raw_close(fd), "close");
	must(socket(AF_INET, SOCK_STREAM, 0) == fd, "the same number");
}

static void number_reused_by_a_file(void)
{
	int fd = at_eof();

	take_numbers_below(fd);
	must(!raw_close(fd), "close");
	must(open("/dev/null", O_RDONLY) == fd, "the same number");
}

/* The 0 is the file's; the socket's peer is still there. */
static void file_read_by_the_number_of_a_socket(void)
{
	int fd = pair_open().server;

	must(raw_call(SYS_dup, fd, 0, 0) > fd, "dup"); /* its peer notices nothing */
	must(!raw_close(fd), "close");
	must(open("/dev/null", O_RDONLY) == fd, "the same number");
	told("read", read(fd, buffer, sizeof buffer));
}

/* Its EOF was read once; the file's ends are no EOF of the socket. */
static void file_read_again_and_again_by_the_number_of_a_socket(void)
{
	int fd = at_eof();

	take_numbers_below(fd);
	must(!raw_close(fd), "close");
	must(open("/dev/null", O_RDONLY) == fd, "the same number");
	for (int i = 0; i < 200; i++)
		must(read(fd, buffer, sizeof buffer) == 0, "read");
}

STEP int accept_the_second(const struct pair *pair)
{
	return accept(pair->listener, NULL, NULL);
}

static int connect_again(const struct pair *pair)
{
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(!getsockname(pair->listener, (struct sockaddr *)&address, &size),
	     "getsockname");
	must(!connect(fd, (struct sockaddr *)&address, size), "connect");
	return fd;
}

/* The second leaks, the first does not. */
static void number_reused_by_a_leak(void)
{
	struct pair pair = pair_open();
	int client = connect_again(&pair), fd;

	close(pair.client);
	take_numbers_below(pair.server);
	must(!raw_close(pair.server), "close");
	fd = accept_the_second(&pair);
	must(fd == pair.server, "the same number");
	close(client);
	await_readable(fd);
	told("recv", recv(fd, buffer, sizeof buffer, 0));
}

/* Nobody saw the second come: what is read of it is not the first one's. */
static void number_reused_out_of_sight(void)
{
	struct pair pair = pair_open();
	int client = connect_again(&pair), fd;

	close(pair.client);
	take_numbers_below(pair.server);
	must(!raw_close(pair.server), "close");
	fd = raw_accept(pair.listener);
	must(fd == pair.server, "the same number");
	close(client);
	await_readable(fd);
	told("recv", recv(fd, buffer, sizeof buffer, 0));
}

/* connect() to AF_UNSPEC parts a socket and its peer; it can be connected again. */

static void dissolve(int fd)
{
	const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	must(!connect(fd, &nobody, sizeof nobody), "connect to AF_UNSPEC");
}

static void dissolved(void)
{
	struct pair pair = used_by_both();

	dissolve(pair.client);
	close(pair.server);
}

static int dissolved_at_eof_and_connected_again(void)
{
	struct pair pair = used_by_both();
	struct sockaddr_in address;
	socklen_t size = sizeof address;

	must(!shutdown(pair.client, SHUT_WR) && !close(pair.server), "close");
	await_readable(pair.client);
	told("recv", recv(pair.client, buffer, sizeof buffer, 0));
	dissolve(pair.client);
	must(!getsockname(pair.listener, (struct sockaddr *)&address, &size),
	     "getsockname");
	must(!connect(pair.client, (struct sockaddr *)&address, size), "connect");
	pair.server = accept(pair.listener, NULL, NULL);
	must(send(pair.server, "x", 1, 0) == 1, "send");
	told("recv", recv(pair.client, buffer, 1, 0));
	return pair.server;
}

static void connected_again(void)
{
	dissolved_at_eof_and_connected_again();
}

/* It is the second connection that is told of: the client sent nothing on it. */
static void connected_again_and_left(void)
{
	close(dissolved_at_eof_and_connected_again());
}

static const struct eof_case cases[] = {
	{"closed_out_of_sight", closed_out_of_sight, "-", 0},
	{"number_reused_by_a_socket", number_reused_by_a_socket, "-", 0},
	{"number_reused_by_a_file", number_reused_by_a_file, "-", 0},
	{"file_read_by_the_number_of_a_socket", file_read_by_the_number_of_a_socket, "-",
	 0},
	{"file_read_again_and_again_by_the_number_of_a_socket",
	 file_read_again_and_again_by_the_number_of_a_socket, "-", 0},
	{"number_reused_by_a_leak", number_reused_by_a_leak, "eof-ignored", 1},
	{"number_reused_out_of_sight", number_reused_out_of_sight, "-", 0},
	{"dissolved", dissolved, "-", 0},
	{"connected_again", connected_again, "-", 0},
	{"connected_again_and_left", connected_again_and_left, "eof-unread", 1},
};

const struct eof_cases eof_numbers = {cases, sizeof cases / sizeof *cases};
