/* SPDX-License-Identifier: MIT */
/*
 * What few sockets have: kept beside their records, in one that is made when it is first needed and
 * stays with the socket's record from then on.
 *
 * Lock-free, no system call but what an extent takes; safe in signal handlers and in fork children.
 */
#pragma once

#include "books.h"

/* Of the socket `s` of these books, which the caller has pinned or not committed yet. NULL: no room;
 * counted, but for books that a child is to get. */
struct cw_aside *aside_of(struct books *b, struct cw_socket *s);

/* The same if it is there, else NULL. */
struct cw_aside *aside_there(const struct cw_socket *s);

/* For a record that begins a new life, and is not committed. */
void aside_clear(struct cw_socket *s);

/* Copies that of another process's record, 0: it has none. That may be written meanwhile, or be no
 * aside at all by now: the caller sees by the record's generation. */
void aside_copy(struct cw_aside *to, cw_ref from);
