/* SPDX-License-Identifier: MIT */
/*
 * What a program forbids itself with seccomp.
 *
 * A filter that kills for a system call which the program never makes must not meet one of ours.
 * So the filter is run here, after the kernel has taken it, on all calls that the library makes;
 * if one of them would end the process, or come to somebody's notice, nothing more is traced. A
 * filter that refuses with an error is no harm.
 */
#pragma once

#include <stdbool.h>

/* Before a filter is set: is there anything that it could meet? */
bool sandbox_matters(void);

/* Where it matters: the calling process has set a filter: `program` is its struct sock_fprog, which the kernel has
 * read. Makes no system call that the filter forbids. Preserves errno. */
void sandbox_filtered(const void *program);

/* Where it matters: only read, write and _exit are left. Makes no system call. */
void sandbox_strict(void);
