/* SPDX-License-Identifier: MIT */
/*
 * The end of a process: the kernel is asked about every open socket, the report written,
 * the trace kept or removed. Once per process, whichever way it ends; on a stack of its
 * own, with all signals blocked, without malloc, stdio or any lock of libc.
 */
#pragma once

#include "trace/format.h"
#include <stdbool.h>

/* Handlers registered with libc. glibc hands every __cxa_atexit handler the exit status as well
 * (stdlib/exit.c), which its prototype does not say. */
void exit_normal(void *unused, int status);
void exit_quick(void *unused, int status);

/* Before a way out that runs no handlers: _exit, a fatal signal, exec. Returns how many
 * leaks there are. Nothing happens in a child that shares our memory, or if another thread is at it (it is
 * waited for, two seconds at most) or has done it. */
uint64_t exit_before(enum cw_end how, int value);

/* The same before the calling thread dies of a signal: in its handler, with the ucontext_t, or before
 * it sends itself the signal; then `context` is NULL and `here` the site of that call, or 0. */
void exit_by_signal(int sig, const void *context, cw_ref here);

/* The exit status to use instead of `status`, as exitcode=N has it. */
int exit_status(uint64_t leaks, int status);

/* exec failed, or the signal did not kill: the process goes on living, and what exit_before() did is taken back. A trace
 * that was removed is not to be had again: then a notice says that only memory is left.
 * Preserves errno. */
void exit_not_yet(void);

/* Around libc's daemon(), whose parent ends inside: what the fork leads to is that parent's end. */
void exit_with_fork(bool does);
/* After the parent's step of a fork. */
void exit_after_fork(void);
