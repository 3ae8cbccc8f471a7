/* SPDX-License-Identifier: MIT */
/*
 * Connections whose descriptors travel: from this process to a worker, or to itself.
 *
 * Usage: travels WAY
 *   leak        the worker is given a connection, reads its end and forgets it
 *   exec        the same, but the worker is another program image
 *   keep        the worker closes it; the sender has forgotten that it has it, too
 *   flight      sent and closed, and nobody takes it out of the queue
 *   many        five, a pipe and a file in one message; all are closed
 *   cut         the same, taken with room for three; one of them is forgotten
 *   peek        taken out of a message twice, first with MSG_PEEK; both copies are closed
 *   peeked      the same, but the copy that came with MSG_PEEK is forgotten
 *   mmsg, raw   by sendmmsg and recvmmsg, by syscall(); the copy is forgotten
 *   getfd, getfd-raw   by pidfd_getfd() out of the process itself; the copy is forgotten
 * (77: the kernel refuses)
 */
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "loopback.h"

#define HOLD 60 /* ms */
#define MANY 7

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
int pidfd_getfd(int pidfd, int target, unsigned flags) __attribute__((weak));

#define NOINLINE __attribute__((noinline))

struct message {
	struct msghdr head;
	struct iovec part;
	char byte;
	char control[CMSG_SPACE(MANY * sizeof(int))];
};

static void prepare(struct message *m, size_t room)
{
	memset(m, 0, sizeof *m);
	m->part = (struct iovec){&m->byte, 1};
	m->head.msg_iov = &m->part;
	m->head.msg_iovlen = 1;
	m->head.msg_control = m->control;
	m->head.msg_controllen = room;
}

static void load(struct message *m, const int *fds, size_t count)
{
	struct cmsghdr *c;

	prepare(m, CMSG_SPACE(count * sizeof *fds));
	c = CMSG_FIRSTHDR(&m->head);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof *fds);
	memcpy(CMSG_DATA(c), fds, count * sizeof *fds);
}

static size_t unload(struct message *m, int *fds)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(&m->head);
	size_t count = c ? (c->cmsg_len - CMSG_LEN(0)) / sizeof *fds : 0;

	must(count > 0 && count <= MANY, "descriptors in the message");
	memcpy(fds, CMSG_DATA(c), count * sizeof *fds);
	return count;
}

static NOINLINE void pass_on(int channel, const int *fds, size_t count)
{
	struct message m;

	load(&m, fds, count);
	must(sendmsg(channel, &m.head, 0) == 1, "sendmsg");
}

static NOINLINE size_t take_in(int channel, int *fds, size_t room, int flags)
{
	struct message m;

	prepare(&m, CMSG_LEN(room * sizeof *fds));
	must(recvmsg(channel, &m.head, flags) == 1, "recvmsg");
	return unload(&m, fds);
}

static NOINLINE void pass_many(int channel, const int *fds, size_t count)
{
	struct message m;
	struct mmsghdr one;

	load(&m, fds, count);
	one = (struct mmsghdr){.msg_hdr = m.head};
	must(sendmmsg(channel, &one, 1, 0) == 1, "sendmmsg");
}

static NOINLINE void take_many(int channel, int *fds)
{
	struct message m;
	struct mmsghdr one;

	prepare(&m, sizeof m.control);
	one = (struct mmsghdr){.msg_hdr = m.head};
	must(recvmmsg(channel, &one, 1, MSG_CMSG_CLOEXEC, NULL) == 1, "recvmmsg");
	m.head = one.msg_hdr;
	unload(&m, fds);
}

static NOINLINE void pass_raw(int channel, const int *fds, size_t count)
{
	struct message m;

	load(&m, fds, count);
	must(syscall(SYS_sendmsg, channel, &m.head, 0) == 1, "SYS_sendmsg");
}

static NOINLINE void take_raw(int channel, int *fds)
{
	struct message m;

	prepare(&m, sizeof m.control);
	must(syscall(SYS_recvmsg, channel, &m.head, 0) == 1, "SYS_recvmsg");
	unload(&m, fds);
}

static NOINLINE int get_fd(int target, int raw)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int fd = -1;

	if (pidfd >= 0 && !raw && pidfd_getfd)
		fd = pidfd_getfd(pidfd, target, 0);
	else if (pidfd >= 0)
		fd = (int)syscall(SYS_pidfd_getfd, pidfd, target, 0);
	if (fd < 0)
		exit(77);
	close(pidfd);
	return fd;
}

static NOINLINE struct pair open_one(void)
{
	struct pair pair = pair_open();

	close(pair.listener);
	return pair;
}

static void read_end(int fd)
{
	char byte;

	await_readable(fd);
	must(recv(fd, &byte, 1, 0) == 0, "EOF");
}

static NOINLINE int work(int channel, int keep)
{
	int fd;

	must(take_in(channel, &fd, 1, 0) == 1, "one descriptor");
	close(channel);
	read_end(fd);
	if (keep)
		hold(HOLD);
	else
		close(fd);
	return 0;
}

/* The channel's other end, in a worker. */
static int start_worker(const char *way, pid_t *pid)
{
	char number[16];
	int ends[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	*pid = fork();
	must(*pid >= 0, "fork");
	if (*pid) {
		close(ends[1]);
		return ends[0];
	}
	close(ends[0]);
	if (strcmp(way, "exec"))
		exit(work(ends[1], !!strcmp(way, "keep")));
	snprintf(number, sizeof number, "%d", ends[1]);
	execl("/proc/self/exe", "travels", "work", number, NULL);
	exit(98);
}

static NOINLINE int dispatch(const char *way)
{
	pid_t pid;
	int channel = start_worker(way, &pid);
	struct pair pair = open_one();
	int status;

	pass_on(channel, &pair.server, 1);
	close(channel);
	close(pair.client);
	if (strcmp(way, "keep"))
		close(pair.server);
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	if (!strcmp(way, "keep"))
		hold(HOLD);
	return WEXITSTATUS(status);
}

static NOINLINE int leave_in_flight(void)
{
	struct pair pair = open_one();
	int ends[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	close(pair.client);
	await_readable(pair.server);
	hold(HOLD + HOLD);
	pass_on(ends[0], &pair.server, 1);
	close(pair.server);
	close(ends[0]);
	hold(HOLD);
	close(ends[1]);
	return 0;
}

/* All five of one message, with a pipe and a file among them; `cut`: those that there is room for. */
static NOINLINE int travel_together(int cut)
{
	struct pair pair[5];
	int fds[MANY], got[MANY], ends[2], pipe_ends[2];
	size_t count;

	must(!socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), "socketpair");
	must(!pipe(pipe_ends), "pipe");
	close(pipe_ends[1]);
	fds[0] = pipe_ends[0];
	for (int i = 0; i < 5; i++) {
		pair[i] = open_one();
		fds[i + 1] = pair[i].server;
	}
	fds[6] = open("/dev/null", O_RDONLY);
	pass_on(ends[0], fds, MANY);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	count = take_in(ends[1], got, cut ? 3 : MANY, MSG_CMSG_CLOEXEC);
	must(count == (cut ? 3 : MANY), "the descriptors");
	for (int i = 0; i < 5; i++)
		close(pair[i].client);
	if (cut)
		read_end(got[2]);
	for (size_t i = 0; i < count; i++)
		if (!cut || i != 2)
			close(got[i]);
	close(ends[0]);
	close(ends[1]);
	hold(HOLD);
	return 0;
}

static NOINLINE int come_back(const char *way)
{
	struct pair pair = open_one();
	int ends[2], fd, peeked = -1;

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	if (!strcmp(way, "mmsg")) {
		pass_many(ends[0], &pair.server, 1);
		close(pair.server);
		take_many(ends[1], &fd);
	} else if (!strcmp(way, "raw")) {
		pass_raw(ends[0], &pair.server, 1);
		close(pair.server);
		take_raw(ends[1], &fd);
	} else if (!strncmp(way, "getfd", 5)) {
		fd = get_fd(pair.server, way[5]);
		close(pair.server);
	} else {
		pass_on(ends[0], &pair.server, 1);
		close(pair.server);
		take_in(ends[1], &peeked, 1, MSG_PEEK);
		take_in(ends[1], &fd, 1, 0);
	}
	close(ends[0]);
	close(ends[1]);
	close(pair.client);
	read_end(fd);
	if (peeked >= 0) {
		close(fd);
		if (!strcmp(way, "peek"))
			close(peeked);
	}
	hold(HOLD);
	return 0;
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";

	if (!strcmp(way, "work") && argc > 2)
		return work(atoi(argv[2]), 1);
	if (!strcmp(way, "leak") || !strcmp(way, "exec") || !strcmp(way, "keep"))
		return dispatch(way);
	if (!strcmp(way, "flight"))
		return leave_in_flight();
	if (!strcmp(way, "many") || !strcmp(way, "cut"))
		return travel_together(!strcmp(way, "cut"));
	return come_back(way);
}
