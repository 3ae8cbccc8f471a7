/* SPDX-License-Identifier: MIT */
/*
 * The descriptors in control messages (SCM_RIGHTS).
 *
 * For the hooks of sendmsg, recvmsg and their like, after the real call has taken the message:
 * what the program points to is looked at only then. A message without control data costs a load.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* The message was sent; `before`: lifecycle_moment() from before the call. */
void rights_sent_all(const struct msghdr *message, uint64_t before);
/* It was received with these flags of recvmsg(). A truncated one holds those that fit. */
void rights_received_all(const struct msghdr *message, int flags);

static inline void rights_sent(const struct msghdr *message, uint64_t before)
{
	if (__builtin_expect(message->msg_controllen != 0, 0))
		rights_sent_all(message, before);
}

static inline void rights_received(const struct msghdr *message, int flags)
{
	if (__builtin_expect(message->msg_controllen != 0, 0))
		rights_received_all(message, flags);
}
