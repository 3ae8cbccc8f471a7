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
