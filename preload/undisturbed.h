/* SPDX-License-Identifier: MIT */
/*
 * A stretch of code that its thread comes out of: no signal handler runs in it, which might jump
 * away or end the thread, and no cancellation is acted upon.
 *
 * Blocking the signals does not hold off a cancellation of the asynchronous kind: libunwind masks
 * signals around its own locks, through libc, which takes SIGCANCEL out of every mask. The thread
 * would be gone there, and with it whoever comes for the lock that it holds.
 *
 * Stretches may be nested. Everywhere but in vfork children;
 * two system calls; preserves errno.
 */
#pragma once

#include <pthread.h>

#include "sys.h"

struct undisturbed {
	uint64_t mask; /* as it was */
	int cancel;
};

static inline void undisturbed_begin(struct undisturbed *u)
{
	const uint64_t all = ~0ull;

	sys_sigprocmask(SIG_SETMASK, &all, &u->mask);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &u->cancel);
}

/* A cancellation that came meanwhile may be acted upon here, and this not return. */
static inline void undisturbed_end(const struct undisturbed *u)
{
	pthread_setcancelstate(u->cancel, NULL);
	sys_sigprocmask(SIG_SETMASK, &u->mask, NULL);
}
