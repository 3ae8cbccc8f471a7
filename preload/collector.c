/* SPDX-License-Identifier: MIT */
/* The one that collects. */
#include "collector.h"
#include "books_open.h"
#include "clock.h"
#include "extents.h"
#include "proc.h"
#include "sys.h"

/* A collection reads /proc for a few hundred processes: a few ms. Of a holder in another pid namespace
 * the kernel cannot be asked. */
#define OVER_AFTER 60000000000ll

static uint64_t me(void)
{
	return (uint64_t)sys_getpid() << 32 | lineage.pid_ns;
}

static bool is_over(uint64_t holder)
{
	uint32_t pid_ns = (uint32_t)holder;
	/* It may lie ahead of the clock as read here: who comes for it in vain writes it, too. */
	uint64_t since = atomic_load(&trace_collector()->since);

	if (pid_ns && pid_ns == lineage.pid_ns && proc_gone((uint32_t)(holder >> 32), 0))
		return true;
	return (int64_t)(clock_ns() - since) > OVER_AFTER;
}

/* The time first: who reads it behind the holder's name reads nothing older. */
static bool take_from(uint64_t holder)
{
	atomic_store(&trace_collector()->since, clock_ns());
	return atomic_compare_exchange_strong(&trace_collector()->holder, &holder, me());
}

enum collector collector_enter(unsigned ms)
{
	for (unsigned i = 0;; i++) {
		uint64_t holder = atomic_load(&trace_collector()->holder);

		if ((!holder || is_over(holder)) && take_from(holder))
			return i ? COLLECTOR_WAITED : COLLECTOR_OURS;
		if (i == ms)
			return COLLECTOR_BUSY;
		sys_sleep_ms(1);
	}
}

void collector_leave(void)
{
	uint64_t holder = me();

	atomic_compare_exchange_strong(&trace_collector()->holder, &holder, 0);
}

bool collector_is_ours(void)
{
	return atomic_load(&trace_collector()->holder) == me();
}
