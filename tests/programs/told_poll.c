/* SPDX-License-Identifier: MIT */
/* Told by poll() and ppoll(), and what is no FIN, or not news. */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>

#include "out_of_sight.h"
#include "told.h"

static void by_poll(void)
{
	poll_events(peer_closed().server, POLLIN | POLLRDHUP, POLLIN | POLLRDHUP);
}

static void by_poll_that_does_not_ask(void)
{
	poll_events(peer_closed().server, POLLIN, POLLIN);
}

static void by_poll_of_both_directions(void)
{
	struct pair pair = peer_closed();

	must(!shutdown(pair.server, SHUT_WR), "shutdown");
	poll_events(pair.server, 0, POLLHUP);
}

static void by_poll_again_and_again(void)
{
	int fd = peer_closed().server;

	for (int i = 0; i < 50; i++)
		poll_events(fd, POLLRDHUP, POLLRDHUP);
}

static void by_poll_of_a_reset(void)
{
	poll_events(peer_reset().server, POLLRDHUP, POLLRDHUP | POLLHUP | POLLERR);
}

static void by_poll_of_a_unix_socket(void)
{
	int ends[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends) && !close(ends[1]), "socketpair");
	poll_events(ends[0], POLLRDHUP, POLLRDHUP | POLLHUP);
}

STEP void ppoll_events(int fd)
{
	struct pollfd fds = {fd, POLLRDHUP, 0};
	struct timespec limit = {10, 0};

	must(ppoll(&fds, 1, &limit, NULL) == 1, "ppoll");
}

static void by_ppoll(void)
{
	ppoll_events(peer_closed().server);
}

/* A count that the compiler does not know makes them __poll_chk and __ppoll_chk. */
static volatile nfds_t one = 1;

STEP void poll_checked(int fd)
{
	struct pollfd fds = {fd, POLLRDHUP, 0};

	must(poll(&fds, one, 10000) == 1, "poll");
}

STEP void ppoll_checked(int fd)
{
	struct pollfd fds = {fd, POLLRDHUP, 0};
	struct timespec limit = {10, 0};

	must(ppoll(&fds, one, &limit, NULL) == 1, "ppoll");
}

static void by_poll_chk(void)
{
	poll_checked(peer_closed().server);
}

static void by_ppoll_chk(void)
{
	ppoll_checked(peer_closed().server);
}

STEP void poll_by_syscall(int fd)
{
	struct pollfd fds = {fd, POLLRDHUP, 0};
	struct timespec limit = {10, 0};

	must(syscall(SYS_ppoll, &fds, 1, &limit, NULL, 8) == 1, "ppoll");
}

static void by_poll_by_syscall(void)
{
	poll_by_syscall(peer_closed().server);
}

/* What is no FIN, or not news. */

static void own_shutdown_of_reading(void)
{
	int fd = pair_open().server;

	must(!shutdown(fd, SHUT_RD), "shutdown");
	poll_events(fd, POLLIN | POLLRDHUP, POLLIN | POLLRDHUP);
}

static void never_connected(void)
{
	poll_events(socket(AF_INET, SOCK_STREAM, 0), POLLIN | POLLRDHUP, POLLHUP);
}

static void connection_refused(void)
{
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	int listener = pair_open().listener;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	must(!getsockname(listener, (struct sockaddr *)&address, &size), "getsockname");
	close(listener);
	must(connect(fd, (struct sockaddr *)&address, size) && errno == EINPROGRESS,
	     "connect");
	poll_events(fd, POLLIN | POLLRDHUP, POLLIN | POLLRDHUP | POLLHUP | POLLERR);
}

static void connected_without_waiting(void)
{
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	struct pair pair = pair_open();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	must(!getsockname(pair.listener, (struct sockaddr *)&address, &size),
	     "getsockname");
	must(connect(fd, (struct sockaddr *)&address, size) && errno == EINPROGRESS,
	     "connect");
	close(accept(pair.listener, NULL, NULL));
	poll_events(fd, POLLIN | POLLRDHUP, POLLIN | POLLRDHUP);
}

static void read_and_then_told(void)
{
	int fd = peer_closed().server;

	must(recv(fd, buffer, sizeof buffer, 0) == 0, "EOF");
	poll_events(fd, POLLIN | POLLRDHUP, POLLIN | POLLRDHUP);
}

static void told_and_then_read(void)
{
	int fd = peer_closed().server;

	poll_events(fd, POLLIN | POLLRDHUP, POLLIN | POLLRDHUP);
	must(recv(fd, buffer, sizeof buffer, 0) == 0, "EOF");
}

static void told_and_closed(void)
{
	int fd = peer_closed().server;

	poll_events(fd, POLLIN | POLLRDHUP, POLLIN | POLLRDHUP);
	must(!close(fd), "close");
}

/* The kernel keeps no time for a UNIX socket: what dates its end is that it was told. */
static void told_and_closed_late(void)
{
	int ends[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends) && !close(ends[1]), "socketpair");
	poll_events(ends[0], POLLRDHUP, POLLRDHUP | POLLHUP);
	hold(150);
	must(!close(ends[0]), "close");
}

/* The number is another's when poll() has returned, and its hook not yet: poll_swaps.c does it. */
static void number_reused_after_the_call(void)
{
	struct pair left = peer_closed(), live = pair_open();
	int *swap_in = dlsym(RTLD_DEFAULT, "poll_swap_in");

	must(swap_in != NULL, "poll_swaps");
	*swap_in = live.server;
	poll_events(left.server, POLLRDHUP, POLLRDHUP);
	must(!close(live.server), "close");
}

static const struct told_case cases[] = {
	{"by_poll", by_poll, "eof-unread", 1, "poll_events"},
	{"by_poll_that_does_not_ask", by_poll_that_does_not_ask, "eof-unread", 1, "-"},
	{"by_poll_of_both_directions", by_poll_of_both_directions, "shutdown-unclosed", 1,
	 "poll_events"},
	{"by_poll_again_and_again", by_poll_again_and_again, "eof-unread", 1,
	 "poll_events"},
	{"by_poll_of_a_reset", by_poll_of_a_reset, "reset-ignored", 1, "poll_events"},
	{"by_poll_of_a_unix_socket", by_poll_of_a_unix_socket, "eof-unread", 1,
	 "poll_events"},
	{"by_ppoll", by_ppoll, "eof-unread", 1, "ppoll_events"},
	{"by_poll_chk", by_poll_chk, "eof-unread", 1, "poll_checked"},
	{"by_ppoll_chk", by_ppoll_chk, "eof-unread", 1, "ppoll_checked"},
	{"by_poll_by_syscall", by_poll_by_syscall, "eof-unread", 1, "poll_by_syscall"},
	{"own_shutdown_of_reading", own_shutdown_of_reading, "-", 0, "-"},
	{"never_connected", never_connected, "-", 0, "-"},
	{"connection_refused", connection_refused, "-", 0, "-"},
	{"connected_without_waiting", connected_without_waiting, "eof-unread", 1,
	 "poll_events"},
	{"read_and_then_told", read_and_then_told, "eof-ignored", 1, "-"},
	{"told_and_then_read", told_and_then_read, "eof-ignored", 1, "-"},
	{"told_and_closed", told_and_closed, "-", 0, "-"},
	{"told_and_closed_late", told_and_closed_late, "late", 0, "-"},
	{"number_reused_after_the_call", number_reused_after_the_call, "swapped", 0, "-"},
};

const struct told_cases told_by_poll = {cases, sizeof cases / sizeof *cases};
