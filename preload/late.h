/* SPDX-License-Identifier: MIT */
/*
 * Late closes: sockets closed only after dwelling longer than `grace`, kept for a while.
 *
 * If the process ends within a second of such a close, it was the exit that closed it (an
 * interpreter collecting its garbage), and the report judges it as if it were still open.
 */
#pragma once

#include "books.h"

/* The caller has `s` pinned and dropped its last descriptor; the ring takes a reference. */
void late_keep(struct books *b, struct cw_socket *s);
