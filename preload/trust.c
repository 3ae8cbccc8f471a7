/* SPDX-License-Identifier: MIT */
/* Whether a descriptor's number is taken at its word. */
#include "trust.h"

static _Atomic bool ended;

void trust_ends(void)
{
	if (!atomic_load_explicit(&ended, memory_order_relaxed))
		atomic_store_explicit(&ended, true, memory_order_relaxed);
}

/* Cookies are counted up, by who knows what stride in this process: they are spread first, by 2^64
 * over the golden ratio (Knuth, The Art of Computer Programming, 6.4). */
static bool is_spot_check(const struct cw_socket *s)
{
	return s->cookie * 0x9e3779b97f4a7c15ull < UINT64_MAX / TRUST_SPOT_CHECK;
}

bool trusts(const struct books *b, const struct cw_socket *s)
{
	return !atomic_load_explicit(&ended, memory_order_relaxed) &&
	       (s->origin == CW_ORIGIN_ACCEPT || s->origin == CW_ORIGIN_CONNECT) &&
	       atomic_load_explicit(&b->process->opened, memory_order_relaxed) >
		       TRUST_AFTER &&
	       !is_spot_check(s);
}
