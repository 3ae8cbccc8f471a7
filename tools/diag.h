/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own table of sockets (sock_diag), read without touching the process that
 * holds them.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "trace/format.h"

/* One socket of the table. */
struct diag_socket {
	uint64_t cookie;
	uint32_t uid;   /* of who made it */
	uint32_t queue; /* TCP: bytes of the receive queue as the kernel counts them: in
			   CLOSE_WAIT the peer's FIN is one of them until it is taken;
			   of a listener, connections that wait */
	struct cw_look look; /* without a descriptor's number */
};

typedef void diag_visit(void *context, const struct diag_socket *socket);

/* Visits every TCP and AF_UNIX stream socket in the network namespace of `pid`, those
 * included that listen. Returns 0 or -errno (-EPERM: not allowed into that namespace). */
int diag_each(pid_t pid, diag_visit *visit, void *context);

/* Visits the AF_UNIX sockets, of any type, of the network namespace `netns` (as below), both
 * directions of which are shut: the peer has left, mostly. Returns 0 or -errno, as diag_tcp();
 * -ENOENT: the kernel was built without unix_diag. */
int diag_hung_up(pid_t pid, uint64_t netns, diag_visit *visit, void *context);

/* Which TCP sockets of a namespace, and how much of each. */
struct diag_wanted {
	uint32_t
		states; /* bit n: state n of <netinet/tcp.h>; the kernel filters by them */
	bool brief;     /* without tcp_info: what look has of it stays 0 */
};

/* Visits the TCP sockets, IPv4's and IPv6's, of the network namespace `netns` (the inode of
 * /proc/PID/ns/net), of which `pid` is a process. Returns 0 or -errno: -ESRCH, the process has
 * gone or is in another one by now; -EPERM, not allowed into that namespace. */
int diag_tcp(pid_t pid, uint64_t netns, const struct diag_wanted *wanted,
	     diag_visit *visit, void *context);
