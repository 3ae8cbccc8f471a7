/* SPDX-License-Identifier: MIT */
/* Goes through control messages. */
#include <stdbool.h>
#include <string.h>

#include "lifecycle.h"
#include "rights.h"

/* Calls each(fd) for the descriptors in the message. */
static void each_descriptor(const struct msghdr *message,
			    void (*each)(const void *context, int fd),
			    const void *context)
{
	const char *at = message->msg_control;
	const char *end = at + message->msg_controllen;

	while (at && (size_t)(end - at) >= sizeof(struct cmsghdr)) {
		struct cmsghdr head;
		size_t size;

		memcpy(&head, at, sizeof head);
		size = head.cmsg_len;
		if (size < CMSG_LEN(0) || size > (size_t)(end - at))
			return;
		for (size_t i = CMSG_LEN(0);
		     head.cmsg_level == SOL_SOCKET && head.cmsg_type == SCM_RIGHTS &&
		     i + sizeof(int) <= size;
		     i += sizeof(int)) {
			int fd;

			memcpy(&fd, at + i, sizeof fd);
			each(context, fd);
		}
		if (CMSG_ALIGN(size) >= (size_t)(end - at))
			return;
		at += CMSG_ALIGN(size);
	}
}

static void sent_one(const void *context, int fd)
{
	lifecycle_sent(fd, *(const uint64_t *)context);
}

void rights_sent_all(const struct msghdr *message, uint64_t before)
{
	each_descriptor(message, sent_one, &before);
}

static void received_one(const void *context, int fd)
{
	(void)context;
	lifecycle_received(fd);
}

/* A peeked message is still there, and so the process may be given the same socket again. */
void rights_received_all(const struct msghdr *message, int flags)
{
	struct books *b;

	each_descriptor(message, received_one, NULL);
	b = flags & MSG_PEEK ? books_here() : NULL;
	if (b)
		atomic_fetch_or(&b->process->flags, CW_PROCESS_PEEKED);
}
