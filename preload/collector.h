/* SPDX-License-Identifier: MIT */
/*
 * Who collects: one thread of all the processes that share a trace, at a time.
 *
 * A process is asked after by its pid, which takes system calls; two that do it at once would take
 * the same one for dead, and the slower of them what has been handed to a living one since. A
 * holder that was killed is found to be gone, and its work is gone on with: so whoever gives
 * something back does it in steps that another can finish.
 *
 * Bounded waits; for a thread that no signal handler interrupts, or that can do without.
 */
#pragma once

#include <stdbool.h>

enum collector {
	COLLECTOR_BUSY,   /* another has been at it all the time */
	COLLECTOR_WAITED, /* it is ours, but another had it when we came */
	COLLECTOR_OURS,
};

/* Waits for no longer than `ms`. Unless it is BUSY: collector_leave(). Preserves no errno. */
enum collector collector_enter(unsigned ms);
void collector_leave(void);

/* Is it ours still? Who was stopped for a minute has been taken for dead. */
bool collector_is_ours(void);
