/* SPDX-License-Identifier: MIT */
/* Processes as /proc shows them, and which of them a trace speaks of. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "trace/view.h"

/* Clock ticks since boot at which it started; 0 if there is no such process, or only its
 * zombie. */
uint64_t host_process_start(pid_t pid);

/* It has ended, or all its threads are at it: sockets that it held may be closed. */
bool host_process_ends(pid_t pid);

/* The living process that wrote `process`, by its number here; 0: it lives no more. A
 * process in another pid namespace is found by its number there. */
pid_t host_process_find(const struct cw_header *header, const struct cw_process *process);

/* Whether the trace was made since this machine was started. */
bool host_same_boot(const struct cw_header *header);

/* How many descriptors its table has room for by now: none has this number or a higher one.
 * INT_MAX: not known. */
int host_process_fd_slots(pid_t pid);

/* The file behind a descriptor of a process: its inode if it is a socket, else 0. -1 with
 * errno: ENOENT, there is none; EACCES, not ours to see. */
int host_process_socket(pid_t pid, int fd, uint64_t *inode);

/* Whether that socket is a TCP one, by the kernel's word. */
bool host_process_is_tcp(pid_t pid, int fd);
