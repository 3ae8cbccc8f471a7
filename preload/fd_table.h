/* SPDX-License-Identifier: MIT */
/*
 * Which socket stands behind a descriptor, as far as our hooks have seen.
 *
 * An entry is one atomic word, (record, generation); 0 is "no socket known". A number is
 * not an identity: a hook reads the entry before the real call and counts what came back
 * only if it is unchanged after it. Lock-free; safe in signal handlers.
 */
#pragma once

#include <stddef.h>

#include "books.h"
#include "extents.h"
#include "rmw.h"

/* Where the page is named that the entry of fd stands in; it is NULL as long as no socket was seen near
 * there. */
static inline _Atomic(_Atomic uint64_t *) *fd_page_of(struct books *b, int fd)
{
	return (unsigned)fd < CW_FD_MAX ? &b->fds[(unsigned)fd / CW_FDS_PER_EXTENT]
					: books_no_fds;
}

static inline size_t fd_in_page(int fd)
{
	return (unsigned)fd % CW_FDS_PER_EXTENT;
}

static inline _Atomic uint64_t *fd_slot(struct books *b, int fd)
{
	_Atomic uint64_t *page =
		atomic_load_explicit(fd_page_of(b, fd), memory_order_acquire);

	return page ? page + fd_in_page(fd) : NULL;
}

/* The entry of fd, 0 if none. */
static inline uint64_t fd_entry(struct books *b, int fd)
{
	_Atomic uint64_t *slot = fd_slot(b, fd);

	return slot ? atomic_load_explicit(slot, memory_order_acquire) : 0;
}

/* Where the entry of a number stands, for who looks twice: before a call that may block, and after
 * it. */
struct fd_place {
	/* In the books: who comes back from that call in a child that a signal handler has forked
	 * finds another page there, or none. */
	_Atomic(_Atomic uint64_t *) *page;
	size_t at;
};

/* Does that entry, which is none if it is 0, still stand there? */
static inline bool fd_unchanged(const struct fd_place *place, uint64_t entry)
{
	_Atomic uint64_t *page = atomic_load_explicit(place->page, memory_order_acquire);

	return __builtin_expect(page != NULL, 1) &&
	       atomic_load_explicit(&page[place->at], memory_order_acquire) == entry;
}

/* Puts `entry` there; returns what stood there before in *old. False: no room (counted). */
bool fd_enter(struct books *b, int fd, uint64_t entry, uint64_t *old);

/* The same where nothing stands. False: something does, or no room (counted). */
bool fd_enter_free(struct books *b, int fd, uint64_t entry);

/* Takes the entry out; 0 if there was none. */
static inline uint64_t fd_take(struct books *b, int fd)
{
	_Atomic uint64_t *slot = fd_slot(b, fd);

	if (!slot || !atomic_load_explicit(slot, memory_order_relaxed))
		return 0;
	return rmw_exchange64(slot, 0);
}

/* Takes the entry out if it is still there. */
static inline bool fd_forget(struct books *b, int fd, uint64_t entry)
{
	_Atomic uint64_t *slot = fd_slot(b, fd);

	return slot && atomic_compare_exchange_strong(slot, &entry, 0);
}

/* Puts an entry back where it was taken, unless another thread's socket has the number by
 * now. */
bool fd_put_back(struct books *b, int fd, uint64_t entry);

/* So many entries of the page may be in use. */
static inline unsigned fd_used(const _Atomic uint64_t *page)
{
	size_t extent =
		(size_t)((const uint8_t *)page - trace_map.bytes) / CW_EXTENT_SIZE;

	return (unsigned)extent_carved((uint32_t)extent, sizeof *page);
}

/* The first number from `i` on, below `end`, whose entry in the page is not 0; else `end`. */
static inline unsigned fd_next(const _Atomic uint64_t *page, unsigned i, unsigned end)
{
	while (i + 4 <= end &&
	       !(atomic_load_explicit(&page[i], memory_order_relaxed) |
		 atomic_load_explicit(&page[i + 1], memory_order_relaxed) |
		 atomic_load_explicit(&page[i + 2], memory_order_relaxed) |
		 atomic_load_explicit(&page[i + 3], memory_order_relaxed)))
		i += 4;
	while (i < end && !atomic_load_explicit(&page[i], memory_order_relaxed))
		i++;
	return i;
}

/* Calls each() for every entry in [first, last]. */
void fd_each(struct books *b, unsigned first, unsigned last,
	     void (*each)(void *context, struct books *b, int fd, uint64_t entry),
	     void *context);
