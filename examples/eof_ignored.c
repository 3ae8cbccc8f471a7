/* SPDX-License-Identifier: MIT */
/*
 * Answers each line with "ok", until the peer closes. The bug: a peer that leaves in the
 * middle of a line is forgotten; that return skips conn_close().
 *
 * The report must say: one group, `eof-ignored`, with as many sockets as peers left in
 * the middle of a line. EOF read in read_request <- serve_conn; opened in accept_conn.
 * Of all that were opened there, the others were closed in conn_close <- serve_conn.
 *
 * Usage: eof_ignored [PORT [CONNECTIONS]]. It accepts CONNECTIONS (default 200), then
 * waits to be ended.
 */
#include <string.h>
#include <unistd.h>

#include "listen.h"

struct conn {
	int fd;
	size_t length; /* of the line begun, bytes */
	char line[512];
};

STEP int accept_conn(int listener, struct conn *conn)
{
	conn->fd = accept(listener, NULL, NULL);
	conn->length = 0;
	return conn->fd < 0 ? -1 : 0;
}

STEP void conn_close(struct conn *conn)
{
	close(conn->fd);
	conn->fd = -1;
}

STEP ssize_t read_request(struct conn *conn)
{
	ssize_t n = recv(conn->fd, conn->line + conn->length,
			 sizeof conn->line - conn->length, 0);

	if (n > 0)
		conn->length += (size_t)n;
	return n;
}

STEP int answer(struct conn *conn)
{
	if (!memchr(conn->line, '\n', conn->length))
		return conn->length < sizeof conn->line ? 0 : -1;
	conn->length = 0;
	return send(conn->fd, "ok\n", 3, MSG_NOSIGNAL) == 3 ? 0 : -1;
}

STEP void serve_conn(struct conn *conn)
{
	for (;;) {
		ssize_t n = read_request(conn);

		if (n == 0 && conn->length > 0)
			return; /* the bug: nobody wants half a line, nobody closes either */
		if (n <= 0 || answer(conn))
			break;
	}
	conn_close(conn);
}

int main(int argc, char **argv)
{
	int listener = listen_on(argument(argc, argv, 1, 65432));
	int connections = argument(argc, argv, 2, 200);

	for (int i = 0; i < connections; i++) {
		struct conn conn;

		if (accept_conn(listener, &conn))
			return 1;
		serve_conn(&conn);
	}
	printf("served %d\n", connections);
	fflush(stdout);
	for (;;)
		pause();
}
