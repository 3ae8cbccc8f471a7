/* SPDX-License-Identifier: MIT */
/*
 * What happens to a socket, as the hooks tell it.
 *
 * A hook reads the descriptor's entry before the real call (lifecycle_entry, or what fills a struct
 * transfer) and hands it back with the result: what came back counts only if the entry is
 * unchanged, since the number may have been closed and reused while the call was blocked.
 * Nothing here is held across a real call, nothing allocates from the program, errno is preserved
 * throughout. Every function may run in a signal handler and in a fork child; in a vfork child the
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

/* What a hook of a call that moves bytes keeps of it until the call is back. */
struct transfer {
	struct fd_place place;
	uint64_t entry; /* as lifecycle_entry() has it */
	size_t asked;   /* reading: bytes of room; 0 can be no EOF */
	int flags;      /* reading: MSG_… */
	int fd;
	bool is_socket; /* the call works on sockets alone */
};

/* What a hook keeps lies in its frame: each register that it were kept in would have to be saved before
 * and restored after, in every call. */
#define IN_MEMORY(what) __asm__ volatile("" : "+m"(what))

/* The rare half of lifecycle_look(). */
RARE _Atomic(_Atomic uint64_t *) *lifecycle_look_again(int fd);

/* fd's entry, and its place. `real` is filled from then on. */
static inline uint64_t lifecycle_look(int fd, struct fd_place *place)
{
	_Atomic(_Atomic uint64_t *) *there = books_no_fds;
	_Atomic uint64_t *page = NULL;
	bool known = !vfork_mark;

	if (__builtin_expect(known && (unsigned)fd < CW_FD_MAX, 1)) {
		there = &books_fds[(unsigned)fd / CW_FDS_PER_EXTENT];
		page = atomic_load_explicit(there, memory_order_acquire);
	}
	if (__builtin_expect(!page && !(known && books && books_are_open(books)), 0)) {
		there = lifecycle_look_again(fd);
		page = atomic_load_explicit(there, memory_order_acquire);
	}
	place->page = there;
	place->at = fd_in_page(fd);
	return page ? atomic_load_explicit(&page[place->at], memory_order_acquire) : 0;
}

/* 0: no socket known there, or nothing is recorded in this process. */
static inline uint64_t lifecycle_entry(int fd)
{
	struct fd_place place;

	return lifecycle_look(fd, &place);
}

/* The bytes that the parts have room for. */
static inline size_t room_in(const struct iovec *parts, size_t count)
{
	size_t room = 0;

	for (size_t i = 0; i < count; i++)
		room += parts[i].iov_len;
	return room;
}

/* For the two below. */
static inline bool lifecycle_begin(struct transfer *t, int fd, int flags, bool is_socket)
{
	struct fd_place place;
	uint64_t entry = lifecycle_look(fd, &place);

	if (!entry && !is_socket)
		return false;
	/* What is only looked at is not counted. */
	if (__builtin_expect(!entry || flags & MSG_PEEK, 0)) {
		place.page = books_no_fds;
		place.at = 0;
	}
	t->place.page = place.page;
	t->place.at = place.at;
	t->entry = entry;
	t->fd = fd;
	t->is_socket = is_socket;
	return true;
}

/* Before a call that reads, and before one that writes. False: nothing is to be told of it. */
static inline bool lifecycle_reading(struct transfer *t, int fd, size_t asked, int flags,
				     bool is_socket)
{
	if (!lifecycle_begin(t, fd, flags, is_socket))
		return false;
	t->asked = asked;
	t->flags = flags;
	IN_MEMORY(*t);
	return true;
}

static inline bool lifecycle_writing(struct transfer *t, int fd, bool is_socket)
{
	if (!lifecycle_begin(t, fd, 0, is_socket))
		return false;
	IN_MEMORY(*t);
	return true;
}

/* The rare half of the two below. */
APART ssize_t lifecycle_read_event(const struct transfer *t, ssize_t n);
APART ssize_t lifecycle_written_event(const struct transfer *t, ssize_t n);

static inline uint32_t lifecycle_flags(const struct cw_socket *s)
{
	return atomic_load_explicit(&s->flags, memory_order_relaxed);
}

static inline void lifecycle_last_call(struct cw_socket *s, enum cw_call call,
				       int32_t result)
{
	atomic_store_explicit(&s->last_call, (uint8_t)call, memory_order_relaxed);
	atomic_store_explicit(&s->last_result, result, memory_order_relaxed);
}

/* n is what the call returned, and is returned; `errno` is its. */
static inline ssize_t lifecycle_read(const struct transfer *t, ssize_t n)
{
	uint64_t entry = t->entry;

	if (__builtin_expect(n > 0 && fd_unchanged(&t->place, entry), 1)) {
		struct cw_socket *s = entry_socket(entry);

		if (__builtin_expect(lifecycle_flags(s) & CW_SOCKET_FIRST_READ, 1)) {
			rmw_count64(&s->bytes_in, (uint64_t)n);
			lifecycle_last_call(s, CW_CALL_READ, (int32_t)n);
			return n;
		}
	}
	return lifecycle_read_event(t, n);
}

static inline ssize_t lifecycle_written(const struct transfer *t, ssize_t n)
{
	uint64_t entry = t->entry;

	if (__builtin_expect(n > 0 && fd_unchanged(&t->place, entry), 1)) {
		struct cw_socket *s = entry_socket(entry);
		uint32_t flags =
			lifecycle_flags(s) & (CW_SOCKET_FIRST_WRITE | CW_SOCKET_EOF);

		if (__builtin_expect(flags == CW_SOCKET_FIRST_WRITE, 1)) {
			rmw_count64(&s->bytes_out, (uint64_t)n);
			lifecycle_last_call(s, CW_CALL_WRITE, (int32_t)n);
			return n;
		}
	}
	return lifecycle_written_event(t, n);
}

/* recvmmsg() and sendmmsg(), which returned n. */
void lifecycle_read_messages(struct transfer *t, const struct mmsghdr *messages, int n);
void lifecycle_written_messages(const struct transfer *t, const struct mmsghdr *messages,
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
