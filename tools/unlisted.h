/* SPDX-License-Identifier: MIT */
/*
 * What a held socket is that none of the kernel's tables lists.
 *
 * A TCP socket leaves the tables when its connection is over (a reset, or both sides' FIN)
 * and is not in them before it is bound. That it is one says its descriptor's extended
 * attribute. Which of the two it is, only the socket itself tells: it is borrowed for a moment
 * (pidfd_getfd(2), Linux 5.6) and asked for its TCP_INFO, which changes nothing in it.
 */
#pragma once

#include <stdint.h>

#include "proc_entry.h"

enum unlisted {
	UNLISTED_NO_TCP, /* another kind of socket, or gone by now */
	UNLISTED_UNTOLD, /* a TCP socket; not permitted to ask it more */
	UNLISTED_FRESH,  /* has never been connected, or a connect() failed */
	UNLISTED_DEAD,   /* was connected, and that is over: `detached` */
	UNLISTED_ALIVE,  /* the kernel has it in a table that nobody looked into */
};

/* The socket `inode` behind descriptor `fd` of the process. Sets *state (of
 * <netinet/tcp.h>) if the answer is UNLISTED_ALIVE. */
enum unlisted unlisted_look(const struct proc_entry *entry, int fd, uint64_t inode,
			    uint32_t *state);
