/* SPDX-License-Identifier: MIT */
/*
 * Brings one connection into the state that is asked for, holds it there and returns from
 * main. What must be said of each stands beside it in the table; the tests read it with
 * `states list`.
 *
 * Usage: states HOLD_MS STATE, or states list
 */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "loopback.h"

static char buffer[64];

static struct pair peer_closed(void)
{
	struct pair pair = pair_open();

	close(pair.client);
	await_readable(pair.server);
	return pair;
}

static void eof_by_recv(void)
{
	must(recv(peer_closed().server, buffer, sizeof buffer, 0) == 0, "recv");
}

static void eof_by_read(void)
{
	must(read(peer_closed().server, buffer, sizeof buffer) == 0, "read");
}

static void eof_by_readv(void)
{
	struct iovec vector = {buffer, sizeof buffer};

	must(readv(peer_closed().server, &vector, 1) == 0, "readv");
}

static void eof_by_recvfrom(void)
{
	must(recvfrom(peer_closed().server, buffer, sizeof buffer, 0, NULL, NULL) == 0,
	     "recvfrom");
}

static void eof_by_recvmsg(void)
{
	struct iovec vector = {buffer, sizeof buffer};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

	must(recvmsg(peer_closed().server, &message, 0) == 0, "recvmsg");
}

static void eof_by_peek(void)
{
	must(recv(peer_closed().server, buffer, sizeof buffer, MSG_PEEK) == 0, "recv");
}

static void eof_by_preadv2(void)
{
	struct iovec vector = {buffer, sizeof buffer};

	must(preadv2(peer_closed().server, &vector, 1, -1, 0) == 0, "preadv2");
}

static void eof_by_syscall_recvmsg(void)
{
	struct iovec vector = {buffer, sizeof buffer};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

	must(syscall(SYS_recvmsg, peer_closed().server, &message, 0) == 0, "recvmsg");
}

static void eof_by_syscall_readv(void)
{
	struct iovec vector = {buffer, sizeof buffer};

	must(syscall(SYS_readv, peer_closed().server, &vector, 1) == 0, "readv");
}

static void eof_on_a_copy_by_syscall(void)
{
	int fd = peer_closed().server;
	int copy = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 50);

	must(!close(fd), "close");
	must(read(copy, buffer, sizeof buffer) == 0, "read");
}

/* The length is not known to the compiler, so that fortified builds check it. */
static void eof_by_checked_read(size_t size)
{
	char local[32];

	must(read(peer_closed().server, local, size) == 0, "read");
}

static void eof_by_checked_recv(size_t size)
{
	char local[32];

	must(recv(peer_closed().server, local, size, 0) == 0, "recv");
}

static volatile size_t local_size = 32;

static void eof_by_read_chk(void)
{
	eof_by_checked_read(local_size);
}

static void eof_by_recv_chk(void)
{
	eof_by_checked_recv(local_size);
}

static void eof_unread(void)
{
	peer_closed();
}

static void eof_unread_with_bytes(void)
{
	struct pair pair = pair_open();

	must(send(pair.client, "hello", 5, 0) == 5, "send");
	close(pair.client);
	await_readable(pair.server);
}

static void eof_after_nonblocking(void)
{
	struct pair pair = pair_open();

	must(recv(pair.server, buffer, sizeof buffer, MSG_DONTWAIT) < 0, "EAGAIN");
	close(pair.client);
	await_readable(pair.server);
	must(recv(pair.server, buffer, sizeof buffer, MSG_DONTWAIT) == 0, "EOF");
}

static void zero_length_read(void)
{
	must(recv(pair_open().server, buffer, 0, MSG_DONTWAIT) <= 0, "recv");
}

static void zero_length_datagram(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int to = socket(AF_INET, SOCK_DGRAM, 0), from = socket(AF_INET, SOCK_DGRAM, 0);

	must(!bind(to, (struct sockaddr *)&address, size), "bind");
	must(!getsockname(to, (struct sockaddr *)&address, &size), "getsockname");
	must(!connect(from, (struct sockaddr *)&address, size), "connect");
	must(send(from, "", 0, 0) == 0, "send");
	await_readable(to);
	must(recv(to, buffer, sizeof buffer, 0) == 0, "recv");
}

static void own_shutdown_of_reading(void)
{
	int fd = pair_open().server;

	must(!shutdown(fd, SHUT_RD), "shutdown");
	must(recv(fd, buffer, sizeof buffer, 0) == 0, "recv");
}

static void half_closed(void)
{
	struct pair pair = pair_open();

	must(send(pair.client, "hello", 5, 0) == 5, "send");
	must(!shutdown(pair.client, SHUT_WR), "shutdown");
	must(recv(pair.server, buffer, sizeof buffer, MSG_WAITALL) == 5, "recv");
	must(recv(pair.server, buffer, sizeof buffer, 0) == 0, "EOF");
	must(send(pair.server, "answer", 6, 0) == 6, "send");
	must(recv(pair.client, buffer, sizeof buffer, 0) == 6, "recv");
}

static struct pair peer_reset(void)
{
	struct pair pair = pair_open();
	struct linger linger = {.l_onoff = 1};

	setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	close(pair.client);
	await_readable(pair.server);
	return pair;
}

static void reset_read(void)
{
	must(recv(peer_reset().server, buffer, sizeof buffer, 0) < 0, "ECONNRESET");
}

static void reset_unread(void)
{
	peer_reset();
}

static void both_shut_down(void)
{
	struct pair pair = pair_open();

	must(!shutdown(pair.server, SHUT_RDWR), "shutdown");
	close(pair.client);
}

static struct pair used_by_client(void)
{
	struct pair pair = pair_open();

	must(send(pair.client, "ask", 3, 0) == 3, "send");
	must(recv(pair.server, buffer, sizeof buffer, 0) == 3, "recv");
	must(send(pair.server, "answer", 6, 0) == 6, "send");
	must(recv(pair.client, buffer, sizeof buffer, 0) == 6, "recv");
	close(pair.server);
	await_readable(pair.client);
	return pair;
}

static void idle_in_client_pool(void)
{
	used_by_client();
}

static void client_read_eof(void)
{
	must(recv(used_by_client().client, buffer, sizeof buffer, 0) == 0, "EOF");
}

static void still_connected(void)
{
	struct pair pair = pair_open();

	must(send(pair.client, "hello", 5, 0) == 5, "send");
	must(recv(pair.server, buffer, sizeof buffer, 0) == 5, "recv");
}

static struct pair unix_pair(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size = sizeof(sa_family_t);
	struct pair pair;

	pair.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	must(!bind(pair.listener, (struct sockaddr *)&address, size),
	     "bind"); /* autobind */
	size = sizeof address;
	must(!getsockname(pair.listener, (struct sockaddr *)&address, &size),
	     "getsockname");
	must(!listen(pair.listener, 1), "listen");
	pair.client = socket(AF_UNIX, SOCK_STREAM, 0);
	must(!connect(pair.client, (struct sockaddr *)&address, size), "connect");
	pair.server = accept(pair.listener, NULL, NULL);
	close(pair.client);
	await_readable(pair.server);
	return pair;
}

static void unix_eof_read(void)
{
	must(recv(unix_pair().server, buffer, sizeof buffer, 0) == 0, "EOF");
}

static void unix_eof_unread(void)
{
	unix_pair();
}

static void socketpair_eof_read(void)
{
	int ends[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	close(ends[1]);
	must(read(ends[0], buffer, sizeof buffer) == 0, "EOF");
}

static void dup_closed_once(void)
{
	int fd = peer_closed().server, copy = dup(fd);

	must(recv(fd, buffer, sizeof buffer, 0) == 0, "EOF");
	must(copy >= 0 && !close(fd), "close");
}

static const struct {
	const char *name;
	void (*bring_about)(void);
	const char *verdict; /* "-": no finding */
} states[] = {
	{"eof_by_recv", eof_by_recv, "eof-ignored"},
	{"eof_by_read", eof_by_read, "eof-ignored"},
	{"eof_by_readv", eof_by_readv, "eof-ignored"},
	{"eof_by_recvfrom", eof_by_recvfrom, "eof-ignored"},
	{"eof_by_recvmsg", eof_by_recvmsg, "eof-ignored"},
	{"eof_by_peek", eof_by_peek, "eof-ignored"},
	{"eof_by_preadv2", eof_by_preadv2, "eof-ignored"},
	{"eof_by_syscall_recvmsg", eof_by_syscall_recvmsg, "eof-ignored"},
	{"eof_by_syscall_readv", eof_by_syscall_readv, "eof-ignored"},
	{"eof_on_a_copy_by_syscall", eof_on_a_copy_by_syscall, "eof-ignored"},
	{"eof_by_read_chk", eof_by_read_chk, "eof-ignored"},
	{"eof_by_recv_chk", eof_by_recv_chk, "eof-ignored"},
	{"eof_after_nonblocking", eof_after_nonblocking, "eof-ignored"},
	{"eof_unread", eof_unread, "eof-unread"},
	{"eof_unread_with_bytes", eof_unread_with_bytes, "eof-unread"},
	{"reset_read", reset_read, "reset-ignored"},
	{"reset_unread", reset_unread, "reset-ignored"},
	{"both_shut_down", both_shut_down, "shutdown-unclosed"},
	{"client_read_eof", client_read_eof, "eof-ignored"},
	{"unix_eof_read", unix_eof_read, "eof-ignored"},
	{"unix_eof_unread", unix_eof_unread, "-"}, /* nothing dates it */
	{"socketpair_eof_read", socketpair_eof_read, "eof-ignored"},
	{"dup_closed_once", dup_closed_once, "eof-ignored"},
	{"zero_length_read", zero_length_read, "-"},
	{"zero_length_datagram", zero_length_datagram, "-"},
	{"own_shutdown_of_reading", own_shutdown_of_reading, "-"},
	{"half_closed", half_closed, "-"},
	{"idle_in_client_pool", idle_in_client_pool, "-"},
	{"still_connected", still_connected, "-"},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		if (argc == 2)
			printf("%s %s\n", states[i].name, states[i].verdict);
		else if (argc == 3 && !strcmp(argv[2], states[i].name)) {
			states[i].bring_about();
			hold(atoi(argv[1]));
			return 0;
		}
	}
	return argc == 2 ? 0 : 2;
}
