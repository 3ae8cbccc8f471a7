/* SPDX-License-Identifier: MIT */
/* Told by epoll, which knows sockets by what the program calls them. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "out_of_sight.h"
#include "told.h"

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

static const struct told_case cases[] = {
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

const struct told_cases told_by_epoll = {cases, sizeof cases / sizeof *cases};
