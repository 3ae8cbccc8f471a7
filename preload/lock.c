/* SPDX-License-Identifier: MIT */
/* The short lock. */
#include "lock.h"
#include "sys.h"

__thread uint32_t thread_id_known
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Spins that cover the longest hold (an unwind, 20 us), then naps; a holder that is not
 * scheduled for this long (2 s) is given up on. */
#define SPINS    2000
#define NAPS     2000
#define FEW_NAPS 50

uint32_t thread_id_ask(void)
{
	thread_id_known = (uint32_t)sys_gettid();
	return thread_id_known;
}

void thread_id_forget(void)
{
	thread_id_known = 0;
}

static bool try_take(struct lock *lock, uint32_t me)
{
	uint32_t free = 0;

	return atomic_compare_exchange_strong_explicit(
		&lock->holder, &free, me, memory_order_acquire, memory_order_relaxed);
}

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#else
	__asm__ volatile("yield");
#endif
}

static bool take(struct lock *lock, int naps)
{
	uint32_t me = thread_id();

	if (atomic_load_explicit(&lock->holder, memory_order_relaxed) == me)
		return false;
	for (int i = 0; i < SPINS; i++) {
		if (try_take(lock, me))
			return true;
		relax();
	}
	for (int i = 0; i < naps; i++) {
		sys_sleep_ms(1);
		if (try_take(lock, me))
			return true;
	}
	return false;
}

bool lock_take(struct lock *lock)
{
	return take(lock, NAPS);
}

bool lock_take_soon(struct lock *lock)
{
	return take(lock, FEW_NAPS);
}

void lock_drop(struct lock *lock)
{
	atomic_store_explicit(&lock->holder, 0, memory_order_release);
}

bool lock_after_fork(struct lock *lock, uint32_t forker)
{
	uint32_t holder = atomic_exchange(&lock->holder, 0);

	return holder != 0 && holder != forker;
}
