/* SPDX-License-Identifier: MIT */
/*
 * Calls that are left in the middle: threads cancelled in recv, read and accept, a jump out
 * of the handler of a signal that interrupted recv, EINTR; and the errno of calls that
 * fail. Prints what came of each. At the end the connection is leaked whose recv was left.
 *
 * Usage: left_midway HOLD_MS
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "loopback.h"

static struct pair pair;
static char buffer[16];
static _Atomic int cleaned, thread_id;

static void clean_up(void *unused)
{
	(void)unused;
	cleaned++;
}

static void in_recv(void)
{
	recv(pair.server, buffer, sizeof buffer, 0);
}

static void in_read(void)
{
	must(read(pair.server, buffer, sizeof buffer) == 0, "read");
}

static void in_readv(void)
{
	struct iovec vector = {buffer, sizeof buffer};

	must(readv(pair.server, &vector, 1) == 0, "readv");
}

static void in_recvmsg(void)
{
	struct iovec vector = {buffer, sizeof buffer};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

	recvmsg(pair.server, &message, 0);
}

static void in_accept(void)
{
	accept(pair.listener, NULL, NULL);
}

static void *blocked(void *call)
{
	pthread_cleanup_push(clean_up, NULL);
	thread_id = (int)syscall(SYS_gettid);
	((void (*)(void))call)();
	pthread_cleanup_pop(0);
	return NULL;
}

/* Returns when that thread sleeps in one of the calls, or runs no more. */
static void await_sleep(void)
{
	char path[64], line[256];

	while (!thread_id)
		;
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread_id);
	for (;;) {
		FILE *file = fopen(path, "r");
		int asleep = file && fgets(line, sizeof line, file) &&
			     strstr(line, ") S ");

		if (file)
			fclose(file);
		if (asleep || !file)
			return;
	}
}

static void cancel_in(const char *name, void (*call)(void))
{
	pthread_t thread;
	void *result;

	cleaned = thread_id = 0;
	pthread_create(&thread, NULL, blocked, (void *)call);
	await_sleep();
	pthread_cancel(thread);
	pthread_join(thread, &result);
	printf("cancelled in %s: %s, cleaned up %d\n", name,
	       result == PTHREAD_CANCELED ? "yes" : "no", cleaned);
}

static sigjmp_buf away;

static void jump(int signal)
{
	siglongjmp(away, signal);
}

static void nothing(int signal)
{
	(void)signal;
}

static void *send_signal(void *to)
{
	await_sleep();
	pthread_kill(*(pthread_t *)to, SIGUSR1);
	return NULL;
}

/* Interrupts this thread once it sleeps. */
static ssize_t interrupted_recv(void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};
	pthread_t self = pthread_self(), thread;
	volatile ssize_t n = -2;

	sigaction(SIGUSR1, &action, NULL);
	thread_id = (int)syscall(SYS_gettid);
	pthread_create(&thread, NULL, send_signal, &self);
	if (!sigsetjmp(away, 1))
		n = recv(pair.server, buffer, sizeof buffer, 0);
	pthread_join(thread, NULL);
	return n;
}

static void fails(const char *what, long result)
{
	printf("%s: %ld %s\n", what, result, strerror(errno));
}

static void errors(void)
{
	int fds[2], udp = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in nowhere = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	fails("recv", recv(-1, buffer, 1, 0));
	fails("recv", recv(pair.server, buffer, 1, MSG_DONTWAIT));
	fails("recv", recv(pair.listener, buffer, 1, MSG_DONTWAIT));
	fails("read", read(-1, buffer, 1));
	fails("read", read(pair.server, (void *)8, 0));
	fails("send", send(-1, buffer, 1, 0));
	fails("send", send(pair.listener, buffer, 1, MSG_NOSIGNAL));
	fails("write", write(99, buffer, 1));
	fails("accept", accept(pair.server, NULL, NULL));
	fails("accept", accept(udp, NULL, NULL));
	fails("accept4", accept4(-1, NULL, NULL, 0));
	fails("connect", connect(pair.client, (struct sockaddr *)&nowhere, sizeof nowhere));
	fails("connect", connect(-1, NULL, 0));
	fails("socket", socket(AF_INET, 77, 0));
	fails("socketpair", socketpair(AF_INET, SOCK_STREAM, 0, fds));
	fails("shutdown", shutdown(udp, SHUT_WR));
	fails("listen", listen(udp, 1));
	fails("close", close(-1));
	fails("close", close(900));
	fails("dup", dup(-1));
	fails("dup2", dup2(-1, udp));
	fails("dup2", dup2(udp, -1));
	fails("dup3", dup3(udp, udp, 0));
	fails("fcntl", fcntl(udp, F_DUPFD, -1));
	fails("fcntl", fcntl(-1, F_GETFL));
	fails("fdopen", (long)fdopen(-1, "r"));
	fails("syscall", syscall(SYS_close, -1));
	fails("kill", kill(getpid(), 99));
	close(udp);
	fails("errno after all", 0);
}

int main(int argc, char **argv)
{
	pair = pair_open();
	cancel_in("recv", in_recv);
	cancel_in("read", in_read);
	cancel_in("readv", in_readv);
	cancel_in("recvmsg", in_recvmsg);
	cancel_in("accept", in_accept);
	printf("jumped: %zd\n", interrupted_recv(jump));
	printf("interrupted: %zd", interrupted_recv(nothing));
	printf(" %s\n", strerror(errno));
	errors();
	must(!close(pair.client), "close");
	must(recv(pair.server, buffer, sizeof buffer, 0) == 0, "EOF");
	hold(argc > 1 ? atoi(argv[1]) : 0);
	return 0;
}
