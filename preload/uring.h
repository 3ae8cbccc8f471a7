/* SPDX-License-Identifier: MIT */
/*
 * Whether the process uses io_uring, by which descriptors are read and closed with no call that a
 * hook could see.
 */
#pragma once

#include "books.h"

/* A ring was set up by syscall(). (liburing makes its system calls itself.) */
void uring_note(void);
/* For books that are opened later. */
void uring_tell(struct cw_process *process);
/* Looks for rings among the descriptors that are no sockets of ours: a call for each. Does so once
 * only, at the end. */
void uring_look(struct books *b);
