/* SPDX-License-Identifier: MIT */
/*
 * Socket records: made, pinned, let go, reused. All of it lock-free and safe in signal
 * handlers.
 *
 * A record lives while descriptors refer to it or a thread has it pinned; its generation
 * then goes up, so that a stale entry finds nothing. Pin it before writing more than a
 * counter to it; never hold a pin across a call of the program's.
 */
#pragma once

#include "books.h"
#include "extents.h"

static inline struct cw_socket *entry_socket(uint64_t entry)
{
	return ref_pointer((cw_ref)(entry >> 32));
}

/* A zeroed record, invisible to readers until socket_commit(). NULL: no room (counted, but
 * for books that a child is to get). */
struct cw_socket *socket_new(struct books *b);

/* Makes it visible with one reference; returns its descriptor entry. */
uint64_t socket_commit(struct cw_socket *s);

/* Gives back a record that was never committed. */
void socket_discard(struct books *b, struct cw_socket *s);

/* The record behind an entry, kept from being reused until socket_unpin(). NULL: it is
 * gone. */
struct cw_socket *socket_pin(uint64_t entry);
void socket_unpin(struct books *b, struct cw_socket *s);

/* One descriptor more. False: the record is gone (or has a million of them). */
bool socket_ref(uint64_t entry);

/* For who has taken an entry out of the table, whose reference is his now: the record, which that keeps
 * without a pin; and that reference given for a pin, with whether it was the last. NULL: it is gone. */
struct cw_socket *socket_owned(uint64_t entry);
struct cw_socket *socket_trade(uint64_t entry, bool *last);

/* One descriptor less, of a record that the caller has pinned. True: that was the last. */
bool socket_unref(struct cw_socket *s);
