/* SPDX-License-Identifier: MIT */
/* The hook of syscall(): libuv closes with syscall(SYS_close, fd), others do the rest so. */
#include <stdarg.h>
#include <sys/syscall.h>

#include "accepting.h"
#include "exit.h"
#include "hooks.h"
#include "lifecycle.h"

static long read_like(long number, const long *a, int flags, bool is_socket)
{
	uint64_t entry = lifecycle_entry((int)a[0]);
	long n = real_get()->syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);

	lifecycle_read((int)a[0], entry, n,
		       &(struct reading){(size_t)a[2], flags, is_socket});
	return n;
}

static long write_like(long number, const long *a, bool is_socket)
{
	uint64_t entry = lifecycle_entry((int)a[0]);
	long n = real_get()->syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);

	lifecycle_written((int)a[0], entry, n, is_socket);
	return n;
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
	case SYS_write:
		return write_like(number, a, false);
	case SYS_sendto:
		return write_like(number, a, true);
	case SYS_exit_group:
		exit_before(CW_END__EXIT, (int)a[0]);
		break;
	default:
		break;
	}
	return real_get()->syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
