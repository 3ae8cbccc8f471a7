/* SPDX-License-Identifier: MIT */
/*
 * Which thread this is, without a system call wherever libc knows it: a server that makes a thread
 * for each connection would pay for one in each. Async-signal-safe; in fork children, too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* For the constructor, in the process's first thread as a rule. */
void thread_init(void);

/* The calling thread's id; a fork child's is its own. */
uint32_t thread_id(void);

/* In a child that was forked: what was known is its parent's, and libc may not have been told. */
void thread_id_forget(void);

/* Is it the one that runs on the stack that the kernel made for the process? */
bool thread_is_main(void);
