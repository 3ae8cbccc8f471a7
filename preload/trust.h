/* SPDX-License-Identifier: MIT */
/*
 * Whether a descriptor's number is taken at its word.
 *
 * A number may have been closed out of our sight, and be another socket's by now. As long as each
 * that was asked about led to the socket it was recorded for, the kernel is not asked again when a
 * connection's end-of-file is read, which would be one system call of the two that a connection
 * costs. It still is asked for the first few sockets of a process and for one in TRUST_SPOT_CHECK;
 * and one record that its number does not lead to any more ends all trust, in this process and the
 * children that it forks, for good. Little is held against a socket by such an end-of-file alone: who
 * looks at the open ones asks which they are, and a close that comes late does. Only of a process that
 * was killed, and that nobody looked at, is it the last word: as it would be where the number changed
 * hands unseen after the end-of-file.
 *
 * Lock-free; safe in signal handlers.
 */
#pragma once

#include "books.h"

/* So many sockets come to a process before it is trusted: what a server does with its descriptors it
 * has done by then. */
#define TRUST_AFTER      64u
/* One in so many is asked about all the same. */
#define TRUST_SPOT_CHECK 64u

/* Is the record's number taken at its word? */
bool trusts(const struct books *b, const struct cw_socket *s);

/* A number led elsewhere than to its record, or may do so unseen. */
void trust_ends(void);
