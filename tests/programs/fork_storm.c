/* SPDX-License-Identifier: MIT */
/*
 * Forks again and again while other threads open, read, pass on and close sockets. Each child opens
 * one connection of its own, closes it and ends; every eighth leaks another, its EOF read, for
 * more than a second: on a busy machine less may pass between two closes.
 *
 * Usage: fork_storm THREADS CHILDREN. Prints how many children leaked, and the pid of each.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "loopback.h"

#define AT_A_TIME 16

static atomic_bool stop;

static void pass_through(int channel[2], int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof fd),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	char byte = 'x';
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof control};

	memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	must(sendmsg(channel[0], &message, 0) == 1, "sendmsg");
	must(recvmsg(channel[1], &message, MSG_CMSG_CLOEXEC) == 1, "recvmsg");
	memcpy(&fd, CMSG_DATA(&control.head), sizeof fd);
	close(fd);
}

static void use_one(int channel[2])
{
	struct pair pair = pair_open();
	char byte = 'x';
	int copy = dup(pair.server);

	must(copy >= 0 && send(pair.client, &byte, 1, MSG_NOSIGNAL) == 1, "send");
	must(recv(copy, &byte, 1, 0) == 1, "recv");
	pass_through(channel, pair.server);
	close(pair.listener);
	close(pair.server);
	close(copy);
	close(pair.client);
}

static void *use_sockets(void *unused)
{
	int channel[2];

	must(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel),
	     "socketpair");
	while (!stop)
		use_one(channel);
	close(channel[0]);
	close(channel[1]);
	return unused;
}

static __attribute__((noinline)) void leak_in_child(void)
{
	int ends[2];
	char byte;

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	close(ends[1]);
	must(recv(ends[0], &byte, 1, 0) == 0, "EOF");
	hold(1200);
}

static void be_child(int number)
{
	struct pair pair = pair_open();

	close(pair.listener);
	close(pair.client);
	close(pair.server);
	if (number % 8 == 0)
		leak_in_child();
	exit(7);
}

static void collect_one(void)
{
	int status;

	must(wait(&status) > 0, "wait");
	must(WIFEXITED(status) && WEXITSTATUS(status) == 7, "the child's end");
}

int main(int argc, char **argv)
{
	int threads = argc > 2 ? atoi(argv[1]) : 0;
	int children = argc > 2 ? atoi(argv[2]) : 0;
	pthread_t *ids = calloc((size_t)threads, sizeof *ids);
	int running = 0;

	for (int i = 0; ids && i < threads; i++)
		must(!pthread_create(&ids[i], NULL, use_sockets, NULL), "pthread_create");
	for (int i = 0; i < children; i++) {
		pid_t pid = fork();

		must(pid >= 0, "fork");
		if (!pid)
			be_child(i);
		if (i % 8 == 0)
			printf("leaks %d\n", (int)pid);
		if (++running == AT_A_TIME) {
			collect_one();
			running--;
		}
	}
	while (running--)
		collect_one();
	stop = 1;
	for (int i = 0; ids && i < threads; i++)
		pthread_join(ids[i], NULL);
	puts("done");
	return 0;
}
