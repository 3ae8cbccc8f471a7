/* SPDX-License-Identifier: MIT */
/* Shared by the lifecycle's parts. */
#pragma once

#include "lifecycle.h"

/* Makes a record for a socket that was open before we saw it; its entry, 0 if it is no
 * socket. */
RARE uint64_t lifecycle_adopt(struct books *b, int fd);

/* The same, of that origin and with these flags from the start, and also where there was no room
 * once. With CW_SOCKET_FOUND no stack is captured: the program does not run yet. */
RARE uint64_t lifecycle_take(struct books *b, int fd, enum cw_origin origin,
			     uint32_t flags);

/* The pinned record, if fd still has the entry it had before the real call; else NULL. */
struct cw_socket *lifecycle_still(struct books *b, int fd, uint64_t entry);

/* One reference less, nothing counted unless it was the last (then: gone out of sight). */
void lifecycle_drop(struct books *b, uint64_t entry);

/* True for the one thread that sets that bit of the flags first. */
bool lifecycle_claim(struct cw_socket *s, uint32_t bit);
/* The same, and these are set at once with it. */
bool lifecycle_claim_with(struct cw_socket *s, uint32_t bit, uint32_t more);

/* Is it the recorded socket that the call was about? A number that was closed out of our sight
 * may be another's by now, and what is learned here would be held against the wrong one. Asked
 * when there is something to hold against it: a few times a socket at most. */
bool lifecycle_is_the_one(struct books *b, const struct cw_socket *s, int fd,
			  uint64_t entry);

/* Java puts one end of a pair, the other end of which it has closed, in the place of a socket that it
 * is about to close (dup2), so that other threads come out of their calls on that: what these are told
 * then tells of no connection. */
static inline bool lifecycle_is_stand_in(const struct cw_socket *s, int fd)
{
	return s->origin == CW_ORIGIN_SOCKETPAIR && fd != s->fd &&
	       !atomic_load_explicit(&s->bytes_in, memory_order_relaxed) &&
	       !atomic_load_explicit(&s->bytes_out, memory_order_relaxed);
}
