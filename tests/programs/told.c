/* SPDX-License-Identifier: MIT */
/*
 * Ways in which a program is told that a peer has left, by poll() or epoll, and does not read it:
 * one case each. What must be said of it stands in the table: the verdict, how many sockets, and
 * the function that was told ("-": none). The tests read it with `told list`.
 *
 * Usage: told HOLD_MS CASE, or told list
 */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "loopback.h"
#include "out_of_sight.h"

#define STEP static __attribute__((noinline))

static char buffer[64];

STEP struct pair peer_closed(void)
{
	struct pair pair = pair_open();

	close(pair.client);
	await_readable(pair.server);
	return pair;
}

STEP struct pair peer_reset(void)
{
	struct pair pair = pair_open();
	struct linger linger = {.l_onoff = 1};

	setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	close(pair.client);
	await_readable(pair.server);
	return pair;
}

/* poll() */

STEP void poll_events(int fd, short events, short expected)
{
	struct pollfd fds[] = {{-1, POLLIN, 0}, {fd, events, 0}};

	must(poll(fds, 2, 10000) == 1, "poll");
	must(fds[1].revents == expected, "what poll says");
}

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

/* epoll */

STEP void add(int epoll, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = {.events = events, .data.u64 = data};

	must(!epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

STEP struct epoll_event handle_events(int epoll)
{
	struct epoll_event event;

	must(epoll_wait(epoll, &event, 1, 10000) == 1, "epoll_wait");
	must(event.events & (EPOLLRDHUP | EPOLLHUP), "RDHUP");
	return event;
}

struct connection {
	int padding;
	int fd;
};

static struct connection connections[4];

#define MANY 200

static void by_epoll(void)
{
	int epoll = epoll_create1(0), fd = peer_closed().server;

	add(epoll, fd, EPOLLIN | EPOLLRDHUP, (uint64_t)fd);
	handle_events(epoll);
	handle_events(epoll);
}

static void by_epoll_with_a_pointer(void)
{
	int epoll = epoll_create(1);
	struct pair pair = pair_open();

	add(epoll, pair.server, EPOLLIN | EPOLLRDHUP | EPOLLET,
	    (uint64_t)&connections[1]);
	close(pair.client);
	must(handle_events(epoll).data.ptr == &connections[1], "data");
}

static void by_epoll_once(void)
{
	int epoll = epoll_create1(0);
	struct pair pair = pair_open();
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT,
				    .data.ptr = &connections[2]};

	add(epoll, pair.server, EPOLLIN | EPOLLONESHOT, (uint64_t)&connections[1]);
	must(send(pair.client, "hello", 5, 0) == 5, "send");
	must(epoll_wait(epoll, &event, 1, 10000) == 1, "epoll_wait");
	must(recv(pair.server, buffer, sizeof buffer, 0) == 5, "recv");
	close(pair.client);
	event = (struct epoll_event){.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT,
				     .data.ptr = &connections[2]};
	must(!epoll_ctl(epoll, EPOLL_CTL_MOD, pair.server, &event), "epoll_ctl");
	must(handle_events(epoll).data.ptr == &connections[2], "data");
}

STEP void pwait_events(int epoll)
{
	struct epoll_event event;

	must(epoll_pwait(epoll, &event, 1, 10000, NULL) == 1, "epoll_pwait");
}

static void by_epoll_pwait(void)
{
	int epoll = epoll_create1(0), fd = peer_closed().server;

	add(epoll, fd, EPOLLRDHUP, (uint64_t)fd);
	pwait_events(epoll);
}

STEP void pwait2_events(int epoll)
{
	struct epoll_event event;
	struct timespec limit = {10, 0};

	must(epoll_pwait2(epoll, &event, 1, &limit, NULL) == 1, "epoll_pwait2");
}

static void by_epoll_pwait2(void)
{
	int epoll = epoll_create1(0), fd = peer_closed().server;

	add(epoll, fd, EPOLLRDHUP, (uint64_t)fd);
	pwait2_events(epoll);
}

STEP void epoll_by_syscall(int epoll)
{
	struct epoll_event event;

	must(syscall(SYS_epoll_pwait, epoll, &event, 1, 10000, NULL, 8) == 1, "epoll");
}

static void by_epoll_by_syscall(void)
{
	int epoll = (int)syscall(SYS_epoll_create1, 0), fd = peer_closed().server;
	struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = &connections[0]};

	must(!syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
	epoll_by_syscall(epoll);
}

static void *handle_in_a_thread(void *epoll)
{
	handle_events(*(int *)epoll);
	return NULL;
}

static void by_epoll_in_another_thread(void)
{
	int epoll = epoll_create1(0);
	struct pair pair = pair_open();
	pthread_t thread;

	add(epoll, pair.server, EPOLLRDHUP, (uint64_t)&connections[3]);
	close(pair.client);
	must(!pthread_create(&thread, NULL, handle_in_a_thread, &epoll), "thread");
	must(!pthread_join(thread, NULL), "join");
}

/* Each is told of by itself, and the others never. */
static void by_epoll_of_many(void)
{
	static struct pair pairs[MANY];
	int epoll = epoll_create1(0);

	for (int i = 0; i < MANY; i++) {
		pairs[i] = pair_open();
		close(pairs[i].listener);
		add(epoll, pairs[i].server, EPOLLRDHUP | EPOLLET, (uint64_t)&pairs[i]);
	}
	for (int i = 1; i < MANY; i += 2) {
		close(pairs[i].client);
		must(handle_events(epoll).data.ptr == &pairs[i], "data");
	}
}

/* Two instances, and in each another socket has that data: of its own, the second tells. */
static void two_instances(void)
{
	int first = epoll_create1(0), second = epoll_create1(0);
	struct pair left = pair_open(), live = pair_open();

	add(first, live.server, EPOLLRDHUP, 1);
	add(second, live.server, EPOLLRDHUP, 2);
	add(first, left.server, EPOLLRDHUP, 2);
	add(second, left.server, EPOLLRDHUP, 1);
	close(left.client);
	must(handle_events(second).data.u64 == 1, "data");
}

static void all_with_the_same_data(void)
{
	int epoll = epoll_create1(0);
	struct pair pairs[3];

	for (int i = 0; i < 3; i++) {
		pairs[i] = pair_open();
		add(epoll, pairs[i].server, EPOLLRDHUP | EPOLLET, 0);
	}
	close(pairs[1].client);
	handle_events(epoll);
}

/* What was told of the first is not held against the second, and the other way round. */
static void number_and_data_reused(void)
{
	int epoll = epoll_create1(0);
	struct pair first = pair_open(), second;

	add(epoll, first.server, EPOLLRDHUP, (uint64_t)&connections[0]);
	close(first.client);
	handle_events(epoll);
	must(!close(first.server) && !close(first.listener), "close");
	second = pair_open();
	must(second.server == first.server || second.listener == first.server ||
		     second.client == first.server,
	     "the same numbers");
	add(epoll, second.server, EPOLLRDHUP, (uint64_t)&connections[0]);
	close(second.client);
	handle_events(epoll);
}

/* The data goes over to a live socket; the one that had it has been left, unnoticed. */
static void data_given_to_another(int change)
{
	int epoll = epoll_create1(0);
	struct pair left = pair_open(), told = pair_open();
	struct epoll_event event = {.events = 0, .data.ptr = &connections[1]};

	add(epoll, left.server, 0, (uint64_t)&connections[0]);
	must(!epoll_ctl(epoll, change, left.server, &event), "epoll_ctl");
	close(left.client);
	await_readable(left.server);
	add(epoll, told.server, EPOLLRDHUP, (uint64_t)&connections[0]);
	close(told.client);
	handle_events(epoll);
	must(!close(told.server), "close");
}

static void data_given_to_another_after_a_change(void)
{
	data_given_to_another(EPOLL_CTL_MOD);
}

static void data_given_to_another_after_removal(void)
{
	data_given_to_another(EPOLL_CTL_DEL);
}

/* The number that had the data before is a third one's, which has been left, unnoticed. */
static void number_of_the_data_before_reused(void)
{
	int epoll = epoll_create1(0);
	struct pair first = pair_open(), told = pair_open(), left = peer_closed();

	add(epoll, first.server, EPOLLRDHUP, (uint64_t)&connections[0]);
	must(dup2(left.server, first.server) == first.server, "dup2");
	must(!close(left.server) && !close(first.client), "close");
	add(epoll, told.server, EPOLLRDHUP, (uint64_t)&connections[0]);
	close(told.client);
	handle_events(epoll);
	must(!close(told.server), "close");
}

static void instance_closed_and_made_again(void)
{
	int epoll = epoll_create1(0), again;
	struct pair left = peer_closed(), told = pair_open();

	add(epoll, left.server, 0, 1);
	must(!close(epoll), "close");
	again = epoll_create1(0);
	must(again == epoll, "the same number");
	add(again, told.server, EPOLLRDHUP, 1);
	close(told.client);
	handle_events(again);
	must(!close(told.server), "close");
}

/* Registered by a number that is closed; the socket has another. */
static void by_epoll_of_a_copy(void)
{
	int epoll = epoll_create1(0);
	struct pair pair = pair_open();
	int copy = dup(pair.server);

	add(epoll, pair.server, EPOLLRDHUP, (uint64_t)&connections[0]);
	must(copy >= 0 && !close(pair.server), "close");
	close(pair.client);
	handle_events(epoll);
}

/* The parent registered it, a child is told. */
static void by_epoll_in_a_child(void)
{
	int epoll = epoll_create1(0), status;
	struct pair pair = pair_open();
	pid_t child;

	add(epoll, pair.server, EPOLLRDHUP, (uint64_t)&connections[0]);
	child = fork();
	if (!child) {
		close(pair.client);
		handle_events(epoll);
		hold(60);
		_exit(0);
	}
	close(pair.client);
	close(pair.server);
	must(waitpid(child, &status, 0) == child && !status, "the child");
}

static void by_epoll_of_a_reset(void)
{
	int epoll = epoll_create1(0), fd = peer_reset().server;

	add(epoll, fd, EPOLLIN, (uint64_t)fd);
	handle_events(epoll);
}

/* More registrations than are kept: some are found, the others counted. */
static void more_registrations_than_are_kept(void)
{
	int sockets[300];

	for (int i = 0; i < 300; i += 2)
		must(!socketpair(AF_UNIX, SOCK_STREAM, 0, &sockets[i]), "socketpair");
	for (int i = 0; i < 300; i++) {
		int epoll = epoll_create1(0);

		for (int k = 0; k < 300; k++)
			add(epoll, sockets[k], EPOLLRDHUP, (uint64_t)k);
	}
	must(!close(sockets[1]), "close");
	must(read(sockets[0], buffer, sizeof buffer) == 0, "EOF");
}

static void killed_when_told(void)
{
	by_epoll();
	fflush(stdout);
	raw_call(SYS_kill, getpid(), 9, 0);
}

static void bad_pointers(void)
{
	int epoll = epoll_create1(0), fd = pair_open().server;
	struct epoll_event event;
	void *volatile bad = (void *)8;

	must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, bad) && errno == EFAULT, "epoll_ctl");
	must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, NULL) && errno == EFAULT, "epoll_ctl");
	must(poll(bad, 1, 0) < 0 && errno == EFAULT, "poll");
	must(epoll_wait(-1, &event, 1, 0) < 0 && errno == EBADF, "epoll_wait");
	must(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL) && errno == ENOENT, "epoll_ctl");
}

static const struct {
	const char *name;
	void (*bring_about)(void);
	const char *verdict;
	int count;
	const char *told;
} cases[] = {
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
	{"by_epoll", by_epoll, "eof-unread", 1, "handle_events"},
	{"by_epoll_with_a_pointer", by_epoll_with_a_pointer, "eof-unread", 1,
	 "handle_events"},
	{"by_epoll_once", by_epoll_once, "eof-unread", 1, "handle_events"},
	{"by_epoll_pwait", by_epoll_pwait, "eof-unread", 1, "pwait_events"},
	{"by_epoll_pwait2", by_epoll_pwait2, "eof-unread", 1, "pwait2_events"},
	{"by_epoll_by_syscall", by_epoll_by_syscall, "eof-unread", 1, "epoll_by_syscall"},
	{"by_epoll_in_another_thread", by_epoll_in_another_thread, "eof-unread", 1,
	 "handle_in_a_thread"},
	{"by_epoll_of_many", by_epoll_of_many, "eof-unread", MANY / 2, "handle_events"},
	{"two_instances", two_instances, "eof-unread", 1, "handle_events"},
	{"all_with_the_same_data", all_with_the_same_data, "eof-unread", 1,
	 "handle_events"},
	{"number_and_data_reused", number_and_data_reused, "eof-unread", 1,
	 "handle_events"},
	{"data_given_to_another_after_a_change", data_given_to_another_after_a_change,
	 "eof-unread", 1, "-"},
	{"data_given_to_another_after_removal", data_given_to_another_after_removal,
	 "eof-unread", 1, "-"},
	{"number_of_the_data_before_reused", number_of_the_data_before_reused,
	 "eof-unread", 1, "-"},
	{"instance_closed_and_made_again", instance_closed_and_made_again, "eof-unread",
	 1, "-"},
	{"by_epoll_of_a_copy", by_epoll_of_a_copy, "eof-unread", 1, "handle_events"},
	{"by_epoll_in_a_child", by_epoll_in_a_child, "eof-unread", 1, "handle_events"},
	{"by_epoll_of_a_reset", by_epoll_of_a_reset, "reset-ignored", 1, "handle_events"},
	{"more_registrations_than_are_kept", more_registrations_than_are_kept, "lost", 1,
	 "-"},
	{"killed_when_told", killed_when_told, "killed", 1, "handle_events"},
	{"bad_pointers", bad_pointers, "-", 0, "-"},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (argc == 2)
			printf("%s %s %d %s\n", cases[i].name, cases[i].verdict,
			       cases[i].count, cases[i].told);
		else if (argc == 3 && !strcmp(argv[2], cases[i].name)) {
			cases[i].bring_about();
			hold(atoi(argv[1]));
			return 0;
		}
	}
	return argc == 2 ? 0 : 2;
}
