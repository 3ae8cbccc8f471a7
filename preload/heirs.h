/* SPDX-License-Identifier: MIT */
/*
 * Which of the processes that fork() gave a socket to has closed it: told to the one that opened
 * it, in the record that lies in the trace of both.
 *
 * Lock-free, no system call; safe in signal handlers and in fork children.
 */
#pragma once

#include "books.h"

/* `copy`, with `aside` of its own, has been made of `parent`, when that had this generation, for a fork
 * child: it learns whose socket it is. */
void heirs_share(struct cw_socket *parent, uint32_t generation, struct cw_socket *copy,
		 struct cw_aside *aside);

/* The calling process has closed `s`, which the caller has pinned. Nothing if it was not
 * inherited or never used here (children close what they do not need), or if its opener has closed
 * it before. */
void heirs_closed(const struct cw_socket *s);

/* The calling process ends, and what it has open is closed with it. */
void heirs_end(struct books *b);
