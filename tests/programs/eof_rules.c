/* SPDX-License-Identifier: MIT */
/*
 * What is an EOF, whose it is, and which verdict it leads to: one case each. A case prints
 * what the program itself knows; what must be said of it stands in the table, and the
 * tests read it with `eof_rules list`.
 *
 * Usage: eof_rules HOLD_MS CASE, or eof_rules list
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "descriptors.h"
#include "loopback.h"
#include "out_of_sight.h"

#define STEP static __attribute__((noinline))

static char buffer[64];

static ssize_t told(const char *what, ssize_t result)
{
	int error = errno;

	if (result < 0)
		printf("%s: %s\n", what, strerror(error));
	else
		printf("%s: %zd\n", what, result);
	return result;
}

STEP struct pair peer_closed(void)
{
	struct pair pair = pair_open();

	close(pair.client);
	await_readable(pair.server);
	return pair;
}

STEP int at_eof(void)
{
	int fd = peer_closed().server;

	must(recv(fd, buffer, sizeof buffer, 0) == 0, "EOF");
	return fd;
}

/* What is no EOF. */

static void zero_length_recv(void)
{
	told("recv", recv(peer_closed().server, buffer, 0, 0));
}

static void zero_length_read(void)
{
	told("read", read(peer_closed().server, buffer, 0));
}

static void zero_length_readv(void)
{
	struct iovec vector[2] = {{buffer, 0}, {buffer, 0}};

	told("readv", readv(peer_closed().server, vector, 2));
}

static void zero_length_read_of_a_live_connection(void)
{
	told("read", read(pair_open().server, buffer, 0));
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
	told("recv", recv(to, buffer, sizeof buffer, 0));
}

static void zero_length_packet(void)
{
	int ends[2];

	must(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), "socketpair");
	must(send(ends[0], "", 0, 0) == 0, "send");
	await_readable(ends[1]);
	told("recv", recv(ends[1], buffer, sizeof buffer, 0));
}

static void after_own_shutdown_of_reading(void)
{
	int fd = pair_open().server;

	must(!shutdown(fd, SHUT_RD), "shutdown");
	told("recv", recv(fd, buffer, sizeof buffer, 0));
}

/* The peer's FIN comes later, and this 0 is still our own doing: it was never learned. */
static void own_shutdown_of_reading_then_fin(void)
{
	struct pair pair = pair_open();

	must(!shutdown(pair.server, SHUT_RD), "shutdown");
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
	close(pair.client);
}

/* The peer is there still. */
static void after_shutdown_of_reading_by_another_process(void)
{
	int fd = pair_open().server, status;
	pid_t child = fork();

	if (!child)
		_exit(raw_call(SYS_shutdown, fd, SHUT_RD, 0) != 0);
	must(waitpid(child, &status, 0) == child && !status, "the child");
	told("recv", recv(fd, buffer, sizeof buffer, 0));
}

/* What is no reset. */

static void spliced_into_a_broken_pipe(void)
{
	struct pair pair = pair_open();
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	must(!pipe(ends) && !close(ends[0]), "pipe");
	must(send(pair.client, "hello", 5, 0) == 5, "send");
	await_readable(pair.server);
	told("splice", splice(pair.server, NULL, ends[1], NULL, 5, 0));
}

/* What is one. */

static void peeked(void)
{
	told("recv", recv(peer_closed().server, buffer, sizeof buffer, MSG_PEEK));
}

static void unix_stream(void)
{
	int ends[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	close(ends[1]);
	told("recv", recv(ends[0], buffer, sizeof buffer, 0));
}

STEP void learn_first(int fd)
{
	told("recv", recv(fd, buffer, sizeof buffer, 0));
}

STEP void learn_again(int fd)
{
	told("recv", recv(fd, buffer, sizeof buffer, 0));
}

static void second_eof(void)
{
	int fd = peer_closed().server;

	learn_first(fd);
	learn_again(fd);
}

static void read_on_the_copy(void)
{
	int fd = peer_closed().server, copy = dup(fd);

	must(copy >= 0 && !close(fd), "close");
	told("recv", recv(copy, buffer, sizeof buffer, 0));
}

static void read_on_the_copy_all_closed(void)
{
	int fd = peer_closed().server, copy = fcntl(fd, F_DUPFD, 50);

	told("recv", recv(copy, buffer, sizeof buffer, 0));
	must(!close(fd) && !close(copy), "close");
}

/* Ways of closing. */

/* Leaves `fd` as the lowest number that a new file can get. */
static void take_numbers_below(int fd)
{
	int copy;

	while ((copy = dup(STDIN_FILENO)) < fd)
		must(copy >= 0, "dup");
	close(copy);
}

static void closed_by_fclose(void)
{
	FILE *file = fdopen(peer_closed().server, "r");

	printf("fgets: %s\n", fgets(buffer, sizeof buffer, file) ? buffer : "EOF");
	must(!fclose(file), "fclose");
}

/* libc reads the EOF where no hook sees it; the stream tells. */
static void read_by_stdio_and_kept(void)
{
	FILE *file = fdopen(peer_closed().server, "r");

	printf("fgets: %s\n", fgets(buffer, sizeof buffer, file) ? buffer : "EOF");
}

static void closed_by_syscall(void)
{
	told("syscall", syscall(SYS_close, at_eof()));
}

/* A process for one connection: it works on when the peer has left, closes and exits. */
static void closed_by_a_child_that_worked_on(void)
{
	struct pair pair = pair_open();
	int status;
	pid_t child = fork();

	if (!child) {
		close(pair.client);
		close(pair.listener);
		told("recv", recv(pair.server, buffer, sizeof buffer, 0));
		hold(150);
		_exit(close(pair.server) != 0);
	}
	must(!close(pair.server) && !close(pair.client), "close");
	must(waitpid(child, &status, 0) == child && !status, "the child");
}

static volatile int two = 2; /* for loops that no compiler unrolls: one line, one stack */

/* Both are closed by one line, the second late, and in the last second. */
static void late_where_others_are_closed(void)
{
	for (int i = 0; i < two; i++) {
		int fd = at_eof();

		hold(150 * i);
		must(!close(fd), "close");
	}
}

/* As an interpreter's exit closes what was left, be it connected or at its end. */
static void swept_up_with_the_living(void)
{
	struct pair pairs[2] = {{0}};

	for (int i = 0; i < two; i++)
		pairs[i] = pair_open();
	close(pairs[1].client);
	await_readable(pairs[1].server);
	told("recv", recv(pairs[1].server, buffer, sizeof buffer, 0));
	hold(150);
	for (int i = 0; i < two; i++)
		must(!close(pairs[i].server), "close");
	must(!close(pairs[0].client), "close");
}

static void swept_up_unread(void)
{
	int fd = peer_closed().server;

	hold(150);
	must(!close(fd), "close");
}

static void one_swept_up_and_one_kept(void)
{
	int fds[2];

	for (int i = 0; i < two; i++)
		fds[i] = at_eof();
	hold(150);
	must(!close(fds[1]), "close");
}

static void closed_out_of_sight(void)
{
	told("close", raw_close(at_eof()));
}

static void number_reused_by_a_socket(void)
{
	int fd = at_eof();

	take_numbers_below(fd);
	must(!raw_close(fd), "close");
	must(socket(AF_INET, SOCK_STREAM, 0) == fd, "the same number");
}

static void number_reused_by_a_file(void)
{
	int fd = at_eof();

	take_numbers_below(fd);
	must(!raw_close(fd), "close");
	must(open("/dev/null", O_RDONLY) == fd, "the same number");
}

/* The 0 is the file's; the socket's peer is still there. */
static void file_read_by_the_number_of_a_socket(void)
{
	int fd = pair_open().server;

	must(raw_call(SYS_dup, fd, 0, 0) > fd, "dup"); /* its peer notices nothing */
	must(!raw_close(fd), "close");
	must(open("/dev/null", O_RDONLY) == fd, "the same number");
	told("read", read(fd, buffer, sizeof buffer));
}

/* Its EOF was read once; the file's ends are no EOF of the socket. */
static void file_read_again_and_again_by_the_number_of_a_socket(void)
{
	int fd = at_eof();

	take_numbers_below(fd);
	must(!raw_close(fd), "close");
	must(open("/dev/null", O_RDONLY) == fd, "the same number");
	for (int i = 0; i < 200; i++)
		must(read(fd, buffer, sizeof buffer) == 0, "read");
}

STEP int accept_the_second(const struct pair *pair)
{
	return accept(pair->listener, NULL, NULL);
}

static int connect_again(const struct pair *pair)
{
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(!getsockname(pair->listener, (struct sockaddr *)&address, &size),
	     "getsockname");
	must(!connect(fd, (struct sockaddr *)&address, size), "connect");
	return fd;
}

/* The second leaks, the first does not. */
static void number_reused_by_a_leak(void)
{
	struct pair pair = pair_open();
	int client = connect_again(&pair), fd;

	close(pair.client);
	take_numbers_below(pair.server);
	must(!raw_close(pair.server), "close");
	fd = accept_the_second(&pair);
	must(fd == pair.server, "the same number");
	close(client);
	await_readable(fd);
	told("recv", recv(fd, buffer, sizeof buffer, 0));
}

/* Nobody saw the second come: what is read of it is not the first one's. */
static void number_reused_out_of_sight(void)
{
	struct pair pair = pair_open();
	int client = connect_again(&pair), fd;

	close(pair.client);
	take_numbers_below(pair.server);
	must(!raw_close(pair.server), "close");
	fd = raw_accept(pair.listener);
	must(fd == pair.server, "the same number");
	close(client);
	await_readable(fd);
	told("recv", recv(fd, buffer, sizeof buffer, 0));
}

/* connect() to AF_UNSPEC parts a socket and its peer; it can be connected again. */

static void dissolve(int fd)
{
	const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	must(!connect(fd, &nobody, sizeof nobody), "connect to AF_UNSPEC");
}

static struct pair used_by_both(void)
{
	struct pair pair = pair_open();

	must(send(pair.client, "ask", 3, 0) == 3, "send");
	must(recv(pair.server, buffer, sizeof buffer, 0) == 3, "recv");
	must(send(pair.server, "answer", 6, 0) == 6, "send");
	must(recv(pair.client, buffer, sizeof buffer, 0) == 6, "recv");
	return pair;
}

static void dissolved(void)
{
	struct pair pair = used_by_both();

	dissolve(pair.client);
	close(pair.server);
}

static int dissolved_at_eof_and_connected_again(void)
{
	struct pair pair = used_by_both();
	struct sockaddr_in address;
	socklen_t size = sizeof address;

	must(!shutdown(pair.client, SHUT_WR) && !close(pair.server), "close");
	await_readable(pair.client);
	told("recv", recv(pair.client, buffer, sizeof buffer, 0));
	dissolve(pair.client);
	must(!getsockname(pair.listener, (struct sockaddr *)&address, &size),
	     "getsockname");
	must(!connect(pair.client, (struct sockaddr *)&address, size), "connect");
	pair.server = accept(pair.listener, NULL, NULL);
	must(send(pair.server, "x", 1, 0) == 1, "send");
	told("recv", recv(pair.client, buffer, 1, 0));
	return pair.server;
}

static void connected_again(void)
{
	dissolved_at_eof_and_connected_again();
}

/* It is the second connection that is told of: the client sent nothing on it. */
static void connected_again_and_left(void)
{
	close(dissolved_at_eof_and_connected_again());
}

/* Verdicts. */

static void half_closed_client(void)
{
	struct pair pair = pair_open();

	must(send(pair.client, "ask", 3, 0) == 3, "send");
	must(!shutdown(pair.client, SHUT_WR), "shutdown");
	told("recv", recv(pair.server, buffer, 3, MSG_WAITALL));
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
	for (int i = 0; i < 3; i++) {
		told("send", send(pair.server, "answer", 6, 0));
		told("client's recv", recv(pair.client, buffer, 6, MSG_WAITALL));
	}
}

/* dprintf() writes inside libc, where no hook sees it. */
STEP void answer_out_of_sight(const struct pair *pair)
{
	told("dprintf", dprintf(pair->server, "answer"));
	told("client's recv", recv(pair->client, buffer, 6, MSG_WAITALL));
}

static void half_closed_client_answered_out_of_sight(void)
{
	struct pair pair = pair_open();

	must(!shutdown(pair.client, SHUT_WR), "shutdown");
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
	hold(20);
	answer_out_of_sight(&pair);
}

static void answered_out_of_sight_then_eof(void)
{
	struct pair pair = pair_open();

	answer_out_of_sight(&pair);
	hold(40); /* the kernel tells such times in ticks */
	close(pair.client);
	await_readable(pair.server);
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
}

static void own_shutdown_then_fin(void)
{
	struct pair pair = pair_open();

	must(!shutdown(pair.server, SHUT_WR), "shutdown");
	told("client's recv", recv(pair.client, buffer, sizeof buffer, 0));
	close(pair.client);
}

static void own_shutdown_then_fin_read(void)
{
	struct pair pair = pair_open();

	must(!shutdown(pair.server, SHUT_WR), "shutdown");
	told("client's recv", recv(pair.client, buffer, sizeof buffer, 0));
	close(pair.client);
	await_readable(pair.server);
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
}

static void reset_by(int fd)
{
	struct linger linger = {.l_onoff = 1};

	must(!setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), "SO_LINGER");
	close(fd);
}

static void reset_unlearned(void)
{
	struct pair pair = pair_open();

	reset_by(pair.client);
	await_readable(pair.server);
}

static void reset_learned_by_recv(void)
{
	struct pair pair = pair_open();

	reset_by(pair.client);
	await_readable(pair.server);
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
}

static void reset_learned_by_send(void)
{
	struct pair pair = pair_open();

	reset_by(pair.client);
	await_readable(pair.server);
	told("send", send(pair.server, "x", 1, MSG_NOSIGNAL));
}

static void connected_without_waiting_then_reset(void)
{
	struct pair pair = pair_open();
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), server;

	must(!getsockname(pair.listener, (struct sockaddr *)&address, &size),
	     "getsockname");
	told("connect", connect(fd, (struct sockaddr *)&address, size));
	server = accept(pair.listener, NULL, NULL);
	reset_by(server);
	await_readable(fd);
}

static void reset_and_closed(void)
{
	struct pair pair = pair_open();

	reset_by(pair.client);
	await_readable(pair.server);
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
	must(!close(pair.server), "close");
}

static void idle_pool(void)
{
	for (int i = 0; i < 5; i++) {
		struct pair pair = pair_open();

		must(send(pair.client, "ask", 3, 0) == 3, "send");
		must(recv(pair.server, buffer, sizeof buffer, 0) == 3, "recv");
		must(send(pair.server, "answer", 6, 0) == 6, "send");
		told("recv", recv(pair.client, buffer, sizeof buffer, 0));
		close(pair.server);
		close(pair.listener);
		await_readable(pair.client);
	}
}

static void await_error(int fd)
{
	struct pollfd poll_fd = {.fd = fd};

	must(poll(&poll_fd, 1, 10000) == 1, "poll");
}

static void eof_then_reset(void)
{
	struct pair pair = pair_open();

	must(!shutdown(pair.client, SHUT_WR), "shutdown");
	await_readable(pair.server);
	learn_first(pair.server);
	reset_by(pair.client);
	await_error(pair.server);
	told("send", send(pair.server, "x", 1, MSG_NOSIGNAL));
}

/* The peer is gone: the first answer brings a reset, the second learns of it. */
static void eof_then_answers_into_a_reset(void)
{
	struct pair pair = peer_closed();

	learn_first(pair.server);
	told("send", send(pair.server, "answer", 6, MSG_NOSIGNAL));
	await_error(pair.server);
	told("send", send(pair.server, "answer", 6, MSG_NOSIGNAL));
}

/* By syscall(), and by the rarer names. */

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

/* Slow closes, and what looks like one. */

static void read_late_and_closed(void)
{
	int fd = peer_closed().server;

	hold(150);
	told("recv", recv(fd, buffer, sizeof buffer, 0));
	must(!close(fd), "close");
}

static void old_and_closed_at_once(void)
{
	struct pair pair = pair_open();

	hold(150);
	close(pair.client);
	await_readable(pair.server);
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
	must(!close(pair.server), "close");
}

static void idle_in_a_pool_and_closed(void)
{
	struct pair pair = used_by_both();

	close(pair.server);
	await_readable(pair.client);
	hold(150);
	must(!close(pair.client), "close");
}

static void answered_out_of_sight_and_closed(void)
{
	struct pair pair = pair_open();

	must(!shutdown(pair.client, SHUT_WR), "shutdown");
	told("recv", recv(pair.server, buffer, sizeof buffer, 0));
	hold(150);
	answer_out_of_sight(&pair);
	must(!close(pair.server) && !close(pair.client), "close");
}

static const struct {
	const char *name;
	void (*bring_about)(void);
	const char *verdict; /* "-": no finding, and nothing to show */
	int count;
} cases[] = {
	{"zero_length_recv", zero_length_recv, "eof-unread", 1},
	{"zero_length_read", zero_length_read, "eof-unread", 1},
	{"zero_length_readv", zero_length_readv, "eof-unread", 1},
	{"zero_length_read_of_a_live_connection", zero_length_read_of_a_live_connection,
	 "-", 0},
	{"zero_length_datagram", zero_length_datagram, "-", 0},
	{"zero_length_packet", zero_length_packet, "-", 0},
	{"after_own_shutdown_of_reading", after_own_shutdown_of_reading, "-", 0},
	{"own_shutdown_of_reading_then_fin", own_shutdown_of_reading_then_fin,
	 "eof-unread", 1},
	{"after_shutdown_of_reading_by_another_process",
	 after_shutdown_of_reading_by_another_process, "-", 0},
	{"spliced_into_a_broken_pipe", spliced_into_a_broken_pipe, "-", 0},
	{"peeked", peeked, "eof-ignored", 1},
	{"unix_stream", unix_stream, "eof-ignored", 1},
	{"second_eof", second_eof, "eof-ignored", 1},
	{"read_on_the_copy", read_on_the_copy, "eof-ignored", 1},
	{"read_on_the_copy_all_closed", read_on_the_copy_all_closed, "-", 0},
	{"closed_by_fclose", closed_by_fclose, "-", 0},
	{"read_by_stdio_and_kept", read_by_stdio_and_kept, "eof-ignored", 1},
	{"closed_by_syscall", closed_by_syscall, "-", 0},
	{"closed_by_a_child_that_worked_on", closed_by_a_child_that_worked_on, "-", 0},
	{"late_where_others_are_closed", late_where_others_are_closed, "-", 0},
	{"swept_up_with_the_living", swept_up_with_the_living, "eof-ignored", 1},
	{"swept_up_unread", swept_up_unread, "eof-unread", 1},
	{"one_swept_up_and_one_kept", one_swept_up_and_one_kept, "eof-ignored", 2},
	{"closed_out_of_sight", closed_out_of_sight, "-", 0},
	{"number_reused_by_a_socket", number_reused_by_a_socket, "-", 0},
	{"number_reused_by_a_file", number_reused_by_a_file, "-", 0},
	{"file_read_by_the_number_of_a_socket", file_read_by_the_number_of_a_socket, "-",
	 0},
	{"file_read_again_and_again_by_the_number_of_a_socket",
	 file_read_again_and_again_by_the_number_of_a_socket, "-", 0},
	{"number_reused_by_a_leak", number_reused_by_a_leak, "eof-ignored", 1},
	{"number_reused_out_of_sight", number_reused_out_of_sight, "-", 0},
	{"dissolved", dissolved, "-", 0},
	{"connected_again", connected_again, "-", 0},
	{"connected_again_and_left", connected_again_and_left, "eof-unread", 1},
	{"half_closed_client", half_closed_client, "half-closed", 1},
	{"half_closed_client_answered_out_of_sight",
	 half_closed_client_answered_out_of_sight, "half-closed", 1},
	{"answered_out_of_sight_then_eof", answered_out_of_sight_then_eof, "eof-ignored",
	 1},
	{"own_shutdown_then_fin", own_shutdown_then_fin, "shutdown-unclosed", 1},
	{"own_shutdown_then_fin_read", own_shutdown_then_fin_read, "shutdown-unclosed",
	 1},
	{"reset_unlearned", reset_unlearned, "reset-ignored", 1},
	{"reset_learned_by_recv", reset_learned_by_recv, "reset-ignored", 1},
	{"reset_learned_by_send", reset_learned_by_send, "reset-ignored", 1},
	{"connected_without_waiting_then_reset", connected_without_waiting_then_reset,
	 "reset-ignored", 1},
	{"reset_and_closed", reset_and_closed, "-", 0},
	{"idle_pool", idle_pool, "idle-client", 5},
	{"eof_then_reset", eof_then_reset, "eof-ignored", 1},
	{"eof_then_answers_into_a_reset", eof_then_answers_into_a_reset, "eof-ignored",
	 1},
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
	{"read_late_and_closed", read_late_and_closed, "-", 0},
	{"old_and_closed_at_once", old_and_closed_at_once, "-", 0},
	{"idle_in_a_pool_and_closed", idle_in_a_pool_and_closed, "-", 0},
	{"answered_out_of_sight_and_closed", answered_out_of_sight_and_closed, "-", 0},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (argc == 2)
			printf("%s %s %d\n", cases[i].name, cases[i].verdict,
			       cases[i].count);
		else if (argc == 3 && !strcmp(argv[2], cases[i].name)) {
			cases[i].bring_about();
			descriptors_print();
			hold(atoi(argv[1]));
			return 0;
		}
	}
	return argc == 2 ? 0 : 2;
}
