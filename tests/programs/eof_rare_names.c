/* SPDX-License-Identifier: MIT */
/* Calls by syscall(), and by libc's rarer names. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "eof_rules.h"
#include "out_of_sight.h"

static void socketpair_by_syscall(void)
{
	int ends[2];

	must(!syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	must(!close(ends[1]), "close");
	must(read(ends[0], buffer, sizeof buffer) == 0, "EOF");
}

/* As Java does: one end that nothing is ever done with, but that it is put in place of sockets
 * which are about to be closed. */
static void placeholder(void)
{
	int ends[2], others[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	must(!close(ends[1]), "close");
	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, others), "socketpair");
	must(dup2(ends[0], others[0]) == others[0], "dup2");
	must(!close(others[0]) && !close(others[1]), "close");
}

/* Threads that come to a socket as it is being closed. */
static void placeholder_that_is_used(void)
{
	struct pair pair = pair_open();
	struct pollfd ready = {pair.server, POLLIN | POLLRDHUP, 0};
	int ends[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends) && !close(ends[1]), "socketpair");
	must(dup2(ends[0], pair.server) == pair.server, "dup2");
	must(poll(&ready, 1, 0) == 1, "poll");
	for (int i = 0; i < 200; i++)
		must(recv(pair.server, buffer, sizeof buffer, 0) == 0, "EOF");
	must(send(pair.server, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "EPIPE");
	must(!close(pair.server) && !close(pair.client), "close");
}

/* As sshd does: the child is waited for, and not read to its end. */
static void pair_with_a_child(void)
{
	int ends[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	if (fork() == 0)
		_exit(write(ends[1], "x", 1) != 1);
	must(!close(ends[1]), "close");
	must(read(ends[0], buffer, 1) == 1, "read");
	must(wait(NULL) > 0, "wait");
}

static long connect_by_syscall(int fd, struct sockaddr_in *to)
{
	long result = syscall(SYS_connect, fd, to, sizeof *to);

	must(send(fd, "ask", 3, 0) == 3, "send");
	return result;
}

static long connect_by_sending(int fd, struct sockaddr_in *to)
{
	return sendto(fd, "ask", 3, MSG_FASTOPEN, (const struct sockaddr *)to,
		      sizeof *to);
}

static long connect_by_sending_a_message(int fd, struct sockaddr_in *to)
{
	struct iovec part = {"ask", 3};
	struct msghdr message = {.msg_name = to,
				 .msg_namelen = sizeof *to,
				 .msg_iov = &part,
				 .msg_iovlen = 1};

	return syscall(SYS_sendmsg, fd, &message, MSG_FASTOPEN);
}

/* Used, then left by the peer in its pool. */
static void pool_connected(long (*how)(int fd, struct sockaddr_in *to))
{
	struct pair pair = pair_open();
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0), server;

	must(!getsockname(pair.listener, (struct sockaddr *)&address, &size),
	     "getsockname");
	must(how(fd, &address) >= 0, "connect");
	server = accept(pair.listener, NULL, NULL);
	must(recv(server, buffer, 3, MSG_WAITALL) == 3, "recv");
	must(send(server, "answer", 6, 0) == 6, "send");
	told("recv", recv(fd, buffer, sizeof buffer, 0));
	must(!close(server), "close");
	await_readable(fd);
}

static void pool_connected_by_syscall(void)
{
	pool_connected(connect_by_syscall);
}

static void pool_connected_by_sending(void)
{
	pool_connected(connect_by_sending);
}

static void pool_connected_by_sending_a_message(void)
{
	pool_connected(connect_by_sending_a_message);
}

/* A descriptor at its EOF, whose peer reads on. */
STEP int left_half_open(void)
{
	int ends[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	must(!shutdown(ends[1], SHUT_WR), "shutdown");
	must(recv(ends[0], buffer, sizeof buffer, 0) == 0, "EOF");
	return ends[0];
}

static struct iovec answer = {"answer", 6};

static void answered_by_pwritev2(void)
{
	told("pwritev2", pwritev2(left_half_open(), &answer, 1, -1, 0));
}

static void answered_by_syscall_writev(void)
{
	told("writev", syscall(SYS_writev, left_half_open(), &answer, 1));
}

static void answered_by_syscall_sendmsg(void)
{
	struct msghdr message = {.msg_iov = &answer, .msg_iovlen = 1};

	told("sendmsg", syscall(SYS_sendmsg, left_half_open(), &message, 0));
}

static void answered_by_syscall_sendmmsg(void)
{
	struct mmsghdr message = {.msg_hdr = {.msg_iov = &answer, .msg_iovlen = 1}};

	told("sendmmsg", syscall(SYS_sendmmsg, left_half_open(), &message, 1, 0));
}

static void answered_by_syscall_pwritev2(void)
{
	told("pwritev2",
	     syscall(SYS_pwritev2, left_half_open(), &answer, 1, -1L, -1L, 0));
}

static void answered_by_sendfile(bool by_syscall)
{
	int file = open("/proc/self/exe", O_RDONLY), fd = left_half_open();

	told("sendfile", by_syscall ? syscall(SYS_sendfile, fd, file, NULL, 16)
				    : sendfile(fd, file, NULL, 16));
}

static void answered_by_sendfile_of_libc(void)
{
	answered_by_sendfile(false);
}

static void answered_by_syscall_sendfile(void)
{
	answered_by_sendfile(true);
}

static void read_by_splice(bool by_syscall)
{
	int fd = peer_closed().server, ends[2];

	must(!pipe(ends), "pipe");
	told("splice", by_syscall ? syscall(SYS_splice, fd, NULL, ends[1], NULL, 5, 0)
				  : splice(fd, NULL, ends[1], NULL, 5, 0));
}

static void read_by_splice_of_libc(void)
{
	read_by_splice(false);
}

static void read_by_syscall_splice(void)
{
	read_by_splice(true);
}

static void read_by_syscall_recvmmsg(void)
{
	struct iovec vector = {buffer, sizeof buffer};
	struct mmsghdr message = {.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}};

	must(syscall(SYS_recvmmsg, peer_closed().server, &message, 1, 0, NULL) == 1 &&
		     message.msg_len == 0,
	     "recvmmsg");
}

static void read_by_syscall_preadv2(void)
{
	struct iovec vector = {buffer, sizeof buffer};

	told("preadv2",
	     syscall(SYS_preadv2, peer_closed().server, &vector, 1, -1L, -1L, 0));
}

/* What might read a socket beside splice() refuses it. */
static void not_to_be_copied_from(void)
{
	struct pair pair = pair_open();
	int ends[2], file = memfd_create("file", 0);

	must(!pipe(ends) && send(pair.client, "hello", 5, 0) == 5, "send");
	must(sendfile(file, pair.server, NULL, 5) < 0 && errno == EINVAL, "sendfile");
	must(copy_file_range(pair.server, NULL, file, NULL, 5, 0) < 0 && errno == EINVAL,
	     "copy_file_range");
	must(tee(pair.server, ends[1], 5, 0) < 0 && errno == EINVAL, "tee");
}

/* Errors of the program that the kernel is to find, and it alone. */
static void bad_pointers(void)
{
	struct iovec nowhere = {(void *)16, 16};
	void *volatile nothing = (void *)16;
	void *bad = nothing;
	int fd = pair_open().server;

	told("recvmsg", syscall(SYS_recvmsg, fd, bad, 0));
	told("readv", syscall(SYS_readv, fd, bad, 1));
	told("writev", syscall(SYS_writev, fd, &nowhere, 1));
	told("sendmsg", syscall(SYS_sendmsg, fd, bad, MSG_FASTOPEN));
	told("sendto", syscall(SYS_sendto, fd, "x", 1, MSG_FASTOPEN, bad, 16));
	told("connect", syscall(SYS_connect, fd, bad, 16));
	told("socketpair", syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, bad));
	told("preadv2", preadv2(fd, bad, 1, -1, 0));
	told("an offset", preadv2(fd, &answer, 1, 7, 0));
	told("recvmsg", recvmsg(fd, bad, 0));
	told("sendmsg", sendmsg(fd, bad, MSG_FASTOPEN));
	told("sendto", sendto(fd, "x", 1, MSG_FASTOPEN, bad, 16));
	told("connect", connect(fd, bad, 16));
}

static const struct eof_case cases[] = {
	{"socketpair_by_syscall", socketpair_by_syscall, "eof-ignored", 1},
	{"placeholder", placeholder, "-", 0},
	{"placeholder_that_is_used", placeholder_that_is_used, "-", 0},
	{"pair_with_a_child", pair_with_a_child, "-", 0},
	{"pool_connected_by_syscall", pool_connected_by_syscall, "idle-client", 1},
	{"pool_connected_by_sending", pool_connected_by_sending, "idle-client", 1},
	{"pool_connected_by_sending_a_message", pool_connected_by_sending_a_message,
	 "idle-client", 1},
	{"answered_by_pwritev2", answered_by_pwritev2, "half-closed", 1},
	{"answered_by_syscall_writev", answered_by_syscall_writev, "half-closed", 1},
	{"answered_by_syscall_sendmsg", answered_by_syscall_sendmsg, "half-closed", 1},
	{"answered_by_syscall_sendmmsg", answered_by_syscall_sendmmsg, "half-closed", 1},
	{"answered_by_syscall_pwritev2", answered_by_syscall_pwritev2, "half-closed", 1},
	{"answered_by_sendfile", answered_by_sendfile_of_libc, "half-closed", 1},
	{"answered_by_syscall_sendfile", answered_by_syscall_sendfile, "half-closed", 1},
	{"read_by_splice", read_by_splice_of_libc, "eof-ignored", 1},
	{"read_by_syscall_splice", read_by_syscall_splice, "eof-ignored", 1},
	{"read_by_syscall_recvmmsg", read_by_syscall_recvmmsg, "eof-ignored", 1},
	{"read_by_syscall_preadv2", read_by_syscall_preadv2, "eof-ignored", 1},
	{"not_to_be_copied_from", not_to_be_copied_from, "-", 0},
	{"bad_pointers", bad_pointers, "-", 0},
};

const struct eof_cases eof_rare_names = {cases, sizeof cases / sizeof *cases};
