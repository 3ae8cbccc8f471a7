/* SPDX-License-Identifier: MIT */
/*
 * Sockets that two threads made known at a time: one opens or closes it, and is between the
 * system call and its record, while another uses the number, which it had before or guesses.
 * Nobody has told of the socket behind it, so the other adopts it. Only one record is to stay:
 * that of who opened it, or none once it is closed.
 *
 * Safe in signal handlers.
 */
#pragma once

#include "books.h"

/* Is one of them an adopted record of the same socket? The caller owns `entry` or has it pinned. */
bool twins(const struct cw_socket *s, uint64_t entry);

/* What was counted when that record was made is taken back. */
void twin_uncount(struct books *b, const struct cw_socket *s);

/* Gives a reference up; was it the last one, that socket was never counted. */
void twin_forget(struct books *b, uint64_t entry);

/* After the close of `s` by this number, while the caller still owns its record: another thread may
 * have adopted the socket since the entry was taken out of the table. */
void twin_closed(struct books *b, const struct cw_socket *s, int fd);
