/* SPDX-License-Identifier: MIT */
/*
 * Read-modify-writes of words that only this process writes: counters, flags, reference words.
 *
 * While there is one thread nobody but a signal handler of its own can come in between, and that
 * comes between instructions: one instruction without the lock prefix is enough, at a fifth of
 * the time. libc says when there is a second one (__libc_single_threaded, which is 0 before
 * that runs, and stays so); what else can share our memory goes through clone(), which tells
 * rmw_not_alone(). A vfork child's parent waits.
 *
 * What processes share (the header of the trace, the extents' table, a socket's `heirs`) is not for
 * these. Everywhere; no system call.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Not 0 there: this process has one thread. */
extern const char *rmw_alone_at;

/* The calling process makes a task that runs beside it in the same memory, without libc's knowledge.
 * Called before that. */
void rmw_not_alone(void);

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define RMW_PLAIN(statement)                                \
	do {                                                \
		if (*(const volatile char *)rmw_alone_at) { \
			statement;                          \
		}                                           \
	} while (0)
#else
/* No one instruction does it. */
#define RMW_PLAIN(statement) ((void)0)
#endif

static inline void rmw_add64(_Atomic uint64_t *word, uint64_t more)
{
	RMW_PLAIN(__asm__ volatile("addq %1, %0"
				   : "+m"(*word)
				   : "er"(more)
				   : "memory", "cc");
		  return );
	atomic_fetch_add_explicit(word, more, memory_order_relaxed);
}

/* Two threads that do it at once may lose one of them; the lock prefix would cost every call that moves
 * bytes 6 ns. */
static inline void rmw_count64(_Atomic uint64_t *word, uint64_t more)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
	__asm__ volatile("addq %1, %0" : "+m"(*word) : "er"(more) : "cc");
#else
	atomic_store_explicit(word,
			      atomic_load_explicit(word, memory_order_relaxed) + more,
			      memory_order_relaxed);
#endif
}

static inline void rmw_add32(_Atomic uint32_t *word, uint32_t more)
{
	RMW_PLAIN(__asm__ volatile("addl %1, %0"
				   : "+m"(*word)
				   : "er"(more)
				   : "memory", "cc");
		  return );
	atomic_fetch_add_explicit(word, more, memory_order_relaxed);
}

/* Returns what was there before. */
static inline uint32_t rmw_fetch_add32(_Atomic uint32_t *word, uint32_t more)
{
	RMW_PLAIN(__asm__ volatile("xaddl %0, %1"
				   : "+r"(more), "+m"(*word)
				   :
				   : "memory", "cc");
		  return more);
	return atomic_fetch_add_explicit(word, more, memory_order_relaxed);
}

/* A release, like all that follow. */
static inline void rmw_or32(_Atomic uint32_t *word, uint32_t bits)
{
	RMW_PLAIN(__asm__ volatile("orl %1, %0"
				   : "+m"(*word)
				   : "er"(bits)
				   : "memory", "cc");
		  return );
	atomic_fetch_or_explicit(word, bits, memory_order_acq_rel);
}

/* As atomic_compare_exchange_strong(). */
static inline bool rmw_swap64(_Atomic uint64_t *word, uint64_t *expected,
			      uint64_t desired)
{
	bool done;

	RMW_PLAIN(__asm__ volatile("cmpxchgq %3, %1"
				   : "=@ccz"(done), "+m"(*word), "+a"(*expected)
				   : "r"(desired)
				   : "memory");
		  return done);
	done = atomic_compare_exchange_strong(word, expected, desired);
	return done;
}

static inline bool rmw_swap32(_Atomic uint32_t *word, uint32_t *expected,
			      uint32_t desired)
{
	bool done;

	RMW_PLAIN(__asm__ volatile("cmpxchgl %3, %1"
				   : "=@ccz"(done), "+m"(*word), "+a"(*expected)
				   : "r"(desired)
				   : "memory");
		  return done);
	done = atomic_compare_exchange_strong(word, expected, desired);
	return done;
}

/* Returns what was there before. (An exchange with memory is always a locked one.) */
static inline uint64_t rmw_exchange64(_Atomic uint64_t *word, uint64_t value)
{
	uint64_t old = atomic_load_explicit(word, memory_order_relaxed);

	while (!rmw_swap64(word, &old, value))
		;
	return old;
}

/* The bits that were there before. */
static inline uint32_t rmw_fetch_or32(_Atomic uint32_t *word, uint32_t bits)
{
	uint32_t old = atomic_load_explicit(word, memory_order_relaxed);

	while (!rmw_swap32(word, &old, old | bits))
		;
	return old;
}
