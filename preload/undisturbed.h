/* SPDX-License-Identifier: MIT */
/*
 * A stretch of code that its thread comes out of: no signal handler runs in it, which might jump
 * away or end the thread, and no cancellation is acted upon.
 *
 * Blocking the signals does not hold off a cancellation of the asynchronous kind: in an audit
 * libunwind masks signals around its own locks, through libc, which takes SIGCANCEL out of every
 * mask. The thread would be gone there, and with it whoever comes for the lock that it holds.
 *
 * Stretches may be nested. Everywhere but in vfork children;
 * two system calls; preserves errno.
 */
#pragma once

#include <pthread.h>
#include <sys/single_threaded.h>

#include "options.h"
#include "sys.h"

struct undisturbed {
	uint64_t mask; /* as it was */
	bool cancellable;
	int cancel; /* then: the state as it was, */
	int kind;   /* and the kind */
};

/* The kind, too: glibc's handler looks at that, but not at the state, and a cancellation that was on
 * its way comes where libunwind lets its signal through. One thread alone cancels
 * nothing, and a fork's child of it need not find that page of libc. */
static inline void undisturbed_begin(struct undisturbed *u)
{
	const uint64_t all = ~0ull;

	u->cancellable = !__libc_single_threaded || options.unwind == UNWIND_AUDIT;
	if (u->cancellable) {
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &u->cancel);
		pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &u->kind);
	}
	sys_sigprocmask(SIG_SETMASK, &all, &u->mask);
}

/* A cancellation that came meanwhile may be acted upon here, and this not return. */
static inline void undisturbed_end(const struct undisturbed *u)
{
	if (u->cancellable) {
		pthread_setcanceltype(u->kind, NULL);
		pthread_setcancelstate(u->cancel, NULL);
	}
	sys_sigprocmask(SIG_SETMASK, &u->mask, NULL);
}
