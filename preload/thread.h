/* SPDX-License-Identifier: MIT */
/*
 * Which thread this is, without a system call wherever libc knows it: a server that makes a thread
 * for each connection would pay for one in each. Async-signal-safe; in fork children, too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* For the constructor, after modules_init(), in the process's first thread as a rule. */
void thread_init(void);

/* 0 until it is first asked for. */
extern __thread uint32_t thread_known_id
	__attribute__((tls_model("initial-exec"), visibility("hidden")));
uint32_t thread_learn_id(void);

/* The calling thread's id; a fork child's is its own. */
static inline uint32_t thread_id(void)
{
	return __builtin_expect(thread_known_id != 0, 1) ? thread_known_id
							 : thread_learn_id();
}

/* In a child that was forked: what was known is its parent's, and libc may not have been told. */
void thread_id_forget(void);

/* Is it the one that runs on the stack that the kernel made for the process? */
bool thread_is_main(void);
