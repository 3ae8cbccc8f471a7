/* SPDX-License-Identifier: MIT */
/*
 * One thread is blocked in recv, a second closes the number, a third accepts a connection
 * that gets the same number; then the old peer leaves, and recv returns 0: the EOF of a
 * socket that the number does not name any more. "live": the new connection's peer stays.
 * "left": it leaves too, and nobody reads that.
 *
 * Usage: recv_reused HOLD_MS live|left
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "loopback.h"

static struct pair old, fresh;
static _Atomic int reader_id;
static ssize_t reader_got = -2;

static void *reader(void *unused)
{
	char bytes[16];

	(void)unused;
	reader_id = (int)syscall(SYS_gettid);
	reader_got = recv(old.server, bytes, sizeof bytes, 0);
	return NULL;
}

/* Returns when that thread is inside the system call. */
static void await_in_recv(void)
{
	char path[64], line[128], wanted[16];
	int inside = 0;

	snprintf(wanted, sizeof wanted, "%d ", (int)SYS_recvfrom);
	while (!reader_id)
		;
	snprintf(path, sizeof path, "/proc/self/task/%d/syscall", reader_id);
	while (!inside) {
		FILE *file = fopen(path, "r");

		must(file != NULL, path);
		inside = fgets(line, sizeof line, file) &&
			 !strncmp(line, wanted, strlen(wanted));
		fclose(file);
	}
}

static void *closer(void *unused)
{
	(void)unused;
	must(!close(old.server), "close");
	return NULL;
}

static void *accepter(void *unused)
{
	(void)unused;
	fresh.server = accept(old.listener, NULL, NULL);
	return NULL;
}

static void run(void *(*body)(void *))
{
	pthread_t thread;

	pthread_create(&thread, NULL, body, NULL);
	pthread_join(thread, NULL);
}

static int connect_to(int listener)
{
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(!getsockname(listener, (struct sockaddr *)&address, &size), "getsockname");
	must(!connect(fd, (struct sockaddr *)&address, size), "connect");
	return fd;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc < 3)
		return 2;
	old = pair_open();
	fresh.client = connect_to(old.listener);
	pthread_create(&thread, NULL, reader, NULL);
	await_in_recv();
	run(closer);
	run(accepter);
	must(fresh.server == old.server, "the same number");
	must(!close(old.client), "close");
	pthread_join(thread, NULL);
	printf("recv of the old: %zd\n", reader_got);
	if (!strcmp(argv[2], "left")) {
		close(fresh.client);
		await_readable(fresh.server);
	}
	hold(atoi(argv[1]));
	return 0;
}
