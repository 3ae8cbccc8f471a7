/* SPDX-License-Identifier: MIT */
/*
 * A short lock for the rare paths: a stack never seen before, a message.
 *
 * Never held across a call of the program's. A signal handler that interrupts its holder
 * in the same thread is refused instead of waiting for ever, and every wait is bounded:
 * whoever cannot have it does without and counts the loss.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lock {
	_Atomic uint32_t holder; /* thread id, 0: free */
};

/* True: taken. False: this thread holds it already, or it stayed taken too long. */
bool lock_take(struct lock *lock);
/* The same for who cannot wait: 50 ms at most. */
bool lock_take_soon(struct lock *lock);
void lock_drop(struct lock *lock);

/* In the child of a fork whose prepare step took the lock: makes it free. Also where it
 * was never taken. Returns whether it had been held by a thread that does not exist here,
 * so that what it protects may be half-changed. */
bool lock_after_fork(struct lock *lock, uint32_t forker);
