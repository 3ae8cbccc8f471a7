/* SPDX-License-Identifier: MIT */
/* The hook of syscall(): libuv closes with syscall(SYS_close, fd), others do the rest so. */
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "accepting.h"
#include "exit.h"
#include "hooks.h"
#include "lifecycle.h"
#include "polled.h"
#include "rights.h"
#include "sandbox.h"
#include "uring.h"

#ifndef SYS_clone3
#define SYS_clone3 435 /* Linux 5.3 */
#endif
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425 /* Linux 5.1 */
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438 /* Linux 5.6 */
#endif

static long next(long number, const long *a)
{
	return real_get()->syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static long read_like(long number, const long *a, int flags, bool is_socket)
{
	struct transfer t;
	bool told = lifecycle_reading(&t, (int)a[0], (size_t)a[2], flags, is_socket);
	long n = next(number, a);

	return told ? lifecycle_read(&t, n) : n;
}

/* What the program points to is looked at only after the kernel took it. */
static long readv_like(long number, const long *a)
{
	struct transfer t;
	bool told = lifecycle_reading(&t, (int)a[0], 1, 0, false);
	long n = next(number, a);

	if (told && n == 0)
		t.asked = room_in((const struct iovec *)a[1], (size_t)a[2]);
	return told ? lifecycle_read(&t, n) : n;
}

static long recvmsg_like(const long *a)
{
	const struct msghdr *message = (const struct msghdr *)a[1];
	struct transfer t;
	long n;

	lifecycle_reading(&t, (int)a[0], 1, (int)a[2], true);
	n = next(SYS_recvmsg, a);
	if (n == 0)
		t.asked = room_in(message->msg_iov, message->msg_iovlen);
	lifecycle_read(&t, n);
	if (n >= 0)
		rights_received(message, (int)a[2]);
	return n;
}

static long recvmmsg_like(const long *a)
{
	struct transfer t;
	long n;

	lifecycle_reading(&t, (int)a[0], 1, (int)a[3], true);
	n = next(SYS_recvmmsg, a);
	lifecycle_read_messages(&t, (const struct mmsghdr *)a[1], (int)n);
	for (long i = 0; i < n; i++)
		rights_received(&((const struct mmsghdr *)a[1])[i].msg_hdr, (int)a[3]);
	return n;
}

/* One end is a pipe. */
static long splice_like(const long *a)
{
	struct transfer in;
	struct transfer out;
	bool reads = lifecycle_reading(&in, (int)a[0], (size_t)a[4], 0, false);
	bool writes = lifecycle_writing(&out, (int)a[2], false);
	long n = next(SYS_splice, a);

	if (reads)
		lifecycle_read(&in, n);
	if (writes)
		lifecycle_written(&out, n);
	return n;
}

static long write_like(long number, const long *a)
{
	struct transfer t;
	bool told = lifecycle_writing(&t, (int)a[0], false);
	long n = next(number, a);

	return told ? lifecycle_written(&t, n) : n;
}

static long sendto_like(const long *a)
{
	struct transfer t;
	long n;

	lifecycle_writing(&t, (int)a[0], true);
	n = next(SYS_sendto, a);
	if (lifecycle_may_connect((int)a[3], n))
		lifecycle_sent_connecting((int)a[0], t.entry, n, (const void *)a[4],
					  (socklen_t)a[5]);
	return lifecycle_written(&t, n);
}

static long sendmsg_like(const long *a)
{
	const struct msghdr *message = (const struct msghdr *)a[1];
	uint64_t before = lifecycle_moment();
	struct transfer t;
	long n;

	lifecycle_writing(&t, (int)a[0], true);
	n = next(SYS_sendmsg, a);
	if (n >= 0)
		rights_sent(message, before);
	if (lifecycle_may_connect((int)a[2], n))
		lifecycle_sent_connecting((int)a[0], t.entry, n, message->msg_name,
					  message->msg_namelen);
	return lifecycle_written(&t, n);
}

static long sendmmsg_like(const long *a)
{
	uint64_t before = lifecycle_moment();
	struct transfer t;
	long n;

	lifecycle_writing(&t, (int)a[0], true);
	n = next(SYS_sendmmsg, a);
	for (long i = 0; i < n; i++)
		rights_sent(&((const struct mmsghdr *)a[1])[i].msg_hdr, before);
	lifecycle_written_messages(&t, (const struct mmsghdr *)a[1], (int)n);
	return n;
}

static long connect_like(const long *a)
{
	uint64_t entry = lifecycle_entry((int)a[0]);
	long r = next(SYS_connect, a);

	lifecycle_connected((int)a[0], entry, (int)r, (const void *)a[1],
			    (socklen_t)a[2]);
	return r;
}

static bool copies(const long *a)
{
	return (int)a[1] == F_DUPFD || (int)a[1] == F_DUPFD_CLOEXEC;
}

static long close_like(const long *a)
{
	struct closing c = lifecycle_release((int)a[0]);
	long r = real_get()->syscall(SYS_close, a[0]);

	lifecycle_close_ended(&c, (int)r);
	return r;
}

static long accept_like(long number, const long *a)
{
	struct accepting peer;
	long fd;

	accept_begin(&peer, (int)a[0], (struct sockaddr *)a[1], (socklen_t *)a[2]);
	fd = real_get()->syscall(number, a[0], (long)peer.address, (long)peer.size, a[3],
				 a[4], a[5]);
	accept_end(&peer, (int)a[0], (int)fd);
	return fd;
}

static long epoll_wait_like(long number, const long *a)
{
	struct epolling e;

	epolling(&e, (int)a[0], (const struct epoll_event *)a[1]);
	return epolled(&e, (int)next(number, a));
}

/* In the parent alone: in the child it is 0. (clone3's arguments begin with the flags, which may be
 * read when the kernel has taken them.) */
static long clone_like(long number, const long *a)
{
	unsigned long flags = (unsigned long)a[0];
	long pid;

	if (number != SYS_clone || (flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM)
		rmw_not_alone();
	pid = next(number, a);
	if (pid > 0 && number != SYS_clone)
		flags = *(const unsigned long *)a[0];
	if (pid > 0 && clone_shares_files_alone(flags))
		books_share_files();
	return pid;
}

/* The listener that SECCOMP_FILTER_FLAG_NEW_LISTENER asks for is a descriptor. */
static long seccomp_like(const long *a)
{
	bool matters = sandbox_matters();
	long r = next(SYS_seccomp, a);

	if (matters && r >= 0 && a[0] == SECCOMP_SET_MODE_STRICT)
		sandbox_strict();
	else if (matters && r >= 0 && a[0] == SECCOMP_SET_MODE_FILTER && a[2])
		sandbox_filtered((const void *)a[2]);
	return r;
}

/* What libc's function of the same name could be cancelled in is called here without it:
 * whoever uses syscall() may do so for just that reason. The others go through their own
 * hooks. */
CW_HOOK long syscall(long number, ...)
{
	va_list ap;
	long a[6];

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	switch (number) {
	case SYS_close:
		return close_like(a);
	case SYS_close_range:
		return close_range((unsigned)a[0], (unsigned)a[1], (int)a[2]);
	case SYS_socket:
		return socket((int)a[0], (int)a[1], (int)a[2]);
	case SYS_socketpair:
		return socketpair((int)a[0], (int)a[1], (int)a[2], (int *)a[3]);
	case SYS_connect:
		return connect_like(a);
	case SYS_listen:
		return listen((int)a[0], (int)a[1]);
	case SYS_fcntl:
		if (copies(a))
			return fcntl((int)a[0], (int)a[1], a[2]);
		break;
	case SYS_accept4:
	case SYS_accept:
		return accept_like(number, a);
	case SYS_shutdown:
		return shutdown((int)a[0], (int)a[1]);
	case SYS_dup:
		return dup((int)a[0]);
	case SYS_dup3:
		return dup3((int)a[0], (int)a[1], (int)a[2]);
#ifdef SYS_dup2
	case SYS_dup2:
		return dup2((int)a[0], (int)a[1]);
#endif
	case SYS_read:
		return read_like(number, a, 0, false);
	case SYS_recvfrom:
		return read_like(number, a, (int)a[3], true);
	case SYS_recvmsg:
		return recvmsg_like(a);
	case SYS_recvmmsg:
		return recvmmsg_like(a);
	case SYS_readv:
	case SYS_preadv2:
		return readv_like(number, a);
	case SYS_splice:
		return splice_like(a);
	case SYS_write:
	case SYS_writev:
	case SYS_pwritev2:
	case SYS_sendfile:
		return write_like(number, a);
	case SYS_sendto:
		return sendto_like(a);
	case SYS_sendmsg:
		return sendmsg_like(a);
	case SYS_sendmmsg:
		return sendmmsg_like(a);
	case SYS_ppoll:
#ifdef SYS_poll
	case SYS_poll:
#endif
		return polled((const struct pollfd *)a[0], (nfds_t)a[1],
			      (int)next(number, a));
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
		return epoll_wait_like(number, a);
	case SYS_epoll_create1:
		return epoll_create1((int)a[0]);
#ifdef SYS_epoll_create
	case SYS_epoll_create:
		return epoll_create((int)a[0]);
#endif
	case SYS_epoll_ctl:
		return epoll_ctl((int)a[0], (int)a[1], (int)a[2],
				 (struct epoll_event *)a[3]);
	case SYS_pidfd_getfd:
		return pidfd_getfd((int)a[0], (int)a[1], (unsigned)a[2]);
	case SYS_unshare:
		return unshare((int)a[0]);
	case SYS_clone:
	case SYS_clone3:
		return clone_like(number, a);
	case SYS_io_uring_setup:
		uring_note();
		break;
	case SYS_prctl:
		return prctl((int)a[0], a[1], a[2], a[3], a[4]);
	case SYS_seccomp:
		return seccomp_like(a);
	case SYS_execve:
		return execve((const char *)a[0], (char *const *)a[1],
			      (char *const *)a[2]);
	case SYS_execveat:
		return execveat((int)a[0], (const char *)a[1], (char *const *)a[2],
				(char *const *)a[3], (int)a[4]);
	case SYS_exit_group:
		exit_before(CW_END__EXIT, (int)a[0]);
		break;
	default:
		break;
	}
	return next(number, a);
}
