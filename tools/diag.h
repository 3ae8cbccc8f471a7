/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own table of sockets (sock_diag), read without touching the process that
 * holds them.
 */
#pragma once

#include <sys/types.h>

#include "trace/format.h"

/* What to do with one socket of the table: `look` has no descriptor number. */
typedef void diag_visit(void *context, uint64_t cookie, const struct cw_look *look);

/* Visits every TCP and AF_UNIX stream socket in the network namespace of `pid`, those
 * included that listen. Returns 0 or -errno (-EPERM: not allowed into that namespace). */
int diag_each(pid_t pid, diag_visit *visit, void *context);

/* One network namespace's table, to be asked again and again: it holds on to the namespace,
 * not to a process. */
struct diag;

/* The table of the namespace that `pid` is in; 0 is the caller's own process. NULL with errno:
 * EPERM, not allowed into it. */
struct diag *diag_open(pid_t pid);
void diag_close(struct diag *diag);

/* Visits the TCP sockets, IPv4's and IPv6's, that are in one of `states`: bit n is state n of
 * <netinet/tcp.h>. The kernel does the choosing. Returns 0 or -errno. */
int diag_tcp(struct diag *diag, uint32_t states, diag_visit *visit, void *context);
