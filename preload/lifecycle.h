/* SPDX-License-Identifier: MIT */
/*
 * What happens to a socket, as the hooks tell it.
 *
 * A hook reads the descriptor's entry before the real call (lifecycle_entry) and hands it
 * back with the result: what came back counts only if the entry is unchanged, since the
 * number may have been closed and reused while the call was blocked. Nothing here is held
 * across a real call, nothing allocates from the program, errno is preserved throughout.
 * Every function may run in a signal handler and in a fork child; in a vfork child the
 * entry is 0 and nothing happens.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "fd_table.h"
#include "sockets.h"

/* What the hooks know of a call that reads. */
struct reading {
	size_t asked;   /* bytes of room; 0 can be no EOF */
	int flags;      /* MSG_… */
	bool is_socket; /* the call works on sockets alone */
};

/* 0: no socket known there, or nothing is recorded in this process. */
static inline uint64_t lifecycle_entry(int fd)
{
	struct books *b = books_here();

	return b ? fd_entry(b, fd) : 0;
}

/* The bytes that the parts have room for. */
static inline size_t room_in(const struct iovec *parts, size_t count)
{
	size_t room = 0;

	for (size_t i = 0; i < count; i++)
		room += parts[i].iov_len;
	return room;
}

/* The rare half of the two below. `error` is errno if n < 0. */
void lifecycle_read_event(int fd, uint64_t entry, ssize_t n, const struct reading *how);
void lifecycle_written_event(int fd, uint64_t entry, ssize_t n, bool is_socket);

/* n is what the call returned. */
static inline void lifecycle_read(int fd, uint64_t entry, ssize_t n,
				  const struct reading *how)
{
	if (__builtin_expect(entry && n > 0 && !(how->flags & MSG_PEEK), 1)) {
		struct cw_socket *s = entry_socket(entry);

		if (atomic_load_explicit(&s->flags, memory_order_relaxed) &
			    CW_SOCKET_FIRST_READ &&
		    lifecycle_entry(fd) == entry) {
			/* Two threads that read one socket at once may lose a count here;
			 * an atomic addition would cost every other read 6 ns. */
			atomic_store_explicit(
				&s->bytes_in,
				atomic_load_explicit(&s->bytes_in, memory_order_relaxed) +
					(uint64_t)n,
				memory_order_relaxed);
			atomic_store_explicit(&s->last_call, CW_CALL_READ,
					      memory_order_relaxed);
			atomic_store_explicit(&s->last_result, (int32_t)n,
					      memory_order_relaxed);
			return;
		}
	}
	if (entry || how->is_socket)
		lifecycle_read_event(fd, entry, n, how);
}

static inline void lifecycle_written(int fd, uint64_t entry, ssize_t n, bool is_socket)
{
	if (__builtin_expect(entry && n > 0, 1)) {
		struct cw_socket *s = entry_socket(entry);
		uint32_t flags = atomic_load_explicit(&s->flags, memory_order_relaxed);

		if ((flags & (CW_SOCKET_FIRST_WRITE | CW_SOCKET_EOF)) ==
			    CW_SOCKET_FIRST_WRITE &&
		    lifecycle_entry(fd) == entry) {
			atomic_store_explicit(&s->bytes_out,
					      atomic_load_explicit(&s->bytes_out,
								   memory_order_relaxed) +
						      (uint64_t)n,
					      memory_order_relaxed);
			atomic_store_explicit(&s->last_call, CW_CALL_WRITE,
					      memory_order_relaxed);
			atomic_store_explicit(&s->last_result, (int32_t)n,
					      memory_order_relaxed);
			return;
		}
	}
	if (entry || is_socket)
		lifecycle_written_event(fd, entry, n, is_socket);
}

/* recvmmsg() and sendmmsg(), which returned n. */
void lifecycle_read_messages(int fd, uint64_t entry, const struct mmsghdr *messages,
			     int n, int flags);
void lifecycle_written_messages(int fd, uint64_t entry, const struct mmsghdr *messages,
				int n);

/* Opening. Each is called after the real call gave the descriptor. */
void lifecycle_socket(int fd, int domain, int type, int protocol, enum cw_origin origin);
void lifecycle_accepted(int listener, uint64_t entry, int fd, const void *peer,
			socklen_t size);
void lifecycle_connected(int fd, uint64_t entry, int result, const void *peer,
			 socklen_t size);
/* A send that may have connected, for MSG_FASTOPEN: then, and only then, the address may be read
 * that the program gave. n is what the call returned. */
static inline bool lifecycle_may_connect(int flags, ssize_t n)
{
	return __builtin_expect(flags & MSG_FASTOPEN, 0) &&
	       (n >= 0 || errno == EINPROGRESS);
}
void lifecycle_sent_connecting(int fd, uint64_t entry, ssize_t n, const void *peer,
			       socklen_t size);
void lifecycle_listening(int fd, uint64_t entry);
void lifecycle_shutdown(int fd, uint64_t entry, int how);
void lifecycle_stdio(int fd);
/* The stream of fd, which may be any descriptor, is at its end. */
void lifecycle_stdio_eof(int fd);
/* poll() or epoll_wait() has said POLLRDHUP, POLLHUP or POLLERR of fd, which may be any descriptor.
 * Only the first time of a socket costs more than a look at its flags; whether this was it. */
bool lifecycle_told(int fd, short events);
/* accept or socket failed: errno says how. */
RARE void lifecycle_open_failed(void);

/* Descriptors that travel. `before` is what lifecycle_moment() said before the real call: a socket
 * that was opened since then has got the number of the one that was passed on. */
uint64_t lifecycle_moment(void);
void lifecycle_sent(int fd, uint64_t before);
/* fd came from another process, or from this one by the same way. Any descriptor may be given. */
void lifecycle_received(int fd);

/* Copies: newfd was made from the descriptor that had `entry`. */
void lifecycle_duplicated(int newfd, uint64_t entry);

/* Closing: the table forgets the number before the kernel does, since close() may hand it
 * to another thread's accept() before it returns. If the call then failed and left the
 * descriptor open, lifecycle_reclaim() undoes it. */
struct closing {
	struct books *b;
	uint64_t entry;
	cw_ref site;
	uint64_t now;
	uint64_t
		dwell; /* ns between the peer's FIN and now; UINT64_MAX: none to speak of */
	bool late;     /* the exit's doing, should the process end within a second */
	bool slow;
	bool collected; /* Python collected the object of a connection that nobody closed */
	int fd;
};

struct closing lifecycle_release(int fd);
void lifecycle_closed(const struct closing *c);
RARE void lifecycle_reclaim(const struct closing *c);
/* After close() returned r; errno is its. */
void lifecycle_close_ended(const struct closing *c, int r);

/* The number was found to be another file's: closed out of our sight. */
RARE void lifecycle_gone(struct books *b, uint64_t entry);
