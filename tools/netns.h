/* SPDX-License-Identifier: MIT */
/*
 * Sockets in other network namespaces.
 *
 * The command itself never changes its namespace: a short-lived child goes there, opens the
 * socket and hands it back. A socket stays in the namespace that it was made in.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* A netlink socket (not bound, close-on-exec; the caller closes it) in the network namespace of
 * `pid`. `netns` is the inode that /proc/PID/ns/net must have, 0: any. Returns the descriptor
 * or -errno: -ESRCH, there is no such process, or it is in another namespace by now; -EPERM or
 * -EACCES, not allowed. One's own user namespaces (rootless containers) need no privilege. */
int netns_netlink(pid_t pid, uint64_t netns, int protocol);
