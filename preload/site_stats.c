/* SPDX-License-Identifier: MIT */
/* Per-site counters. */
#include "site_stats.h"
#include "extents.h"
#include "rmw.h"

#define NS_PER_S 1000000000ull

RARE static cw_ref make(struct books *b, cw_ref open_site, enum cw_origin origin)
{
	struct cw_stats *stats =
		extent_carve(&b->stats_extent, b->extent, CW_EXTENT_STATS, sizeof *stats);

	if (!stats) {
		books_lost(CW_LOST_STATS);
		return 0;
	}
	stats->origin = (uint8_t)origin;
	atomic_store_explicit(&stats->open_site, open_site, memory_order_release);
	return pointer_ref(stats);
}

cw_ref site_stats(struct books *b, cw_ref open_site, enum cw_origin origin)
{
	uint32_t hash = (open_site * 2654435761u) >> 8;

	if (!open_site)
		return 0;
	for (uint32_t i = 0; i < BOOKS_STATS_SLOTS; i++) {
		_Atomic uint64_t *slot = &b->stats[(hash + i) % BOOKS_STATS_SLOTS];
		uint64_t entry = atomic_load_explicit(slot, memory_order_acquire);
		cw_ref made;

		if (entry >> 32 == open_site)
			return (cw_ref)entry;
		if (entry)
			continue;
		made = make(b, open_site, origin);
		if (!made)
			return 0;
		if (atomic_compare_exchange_strong(slot, &entry,
						   (uint64_t)open_site << 32 | made))
			return made;
		/* Another thread was first: ours stays behind unused, with nothing
		 * counted. */
		atomic_store(&((struct cw_stats *)ref_pointer(made))->open_site, 0);
		if (entry >> 32 == open_site)
			return (cw_ref)entry;
	}
	books_lost(CW_LOST_STATS);
	return 0;
}

static void add(_Atomic uint64_t *counter)
{
	rmw_add64(counter, 1);
}

static void set_once(_Atomic uint64_t *ns, uint64_t now)
{
	uint64_t never = 0;

	if (!atomic_load_explicit(ns, memory_order_relaxed))
		atomic_compare_exchange_strong(ns, &never, now);
}

static void count_closer(struct cw_stats *stats, const struct site_close *c)
{
	cw_ref site = c->close_site;

	for (unsigned i = 0; i < CW_CLOSERS; i++) {
		cw_ref there = atomic_load_explicit(&stats->closers[i].site,
						    memory_order_relaxed);

		if (!there &&
		    !atomic_compare_exchange_strong(&stats->closers[i].site, &there,
						    site) &&
		    there != site)
			continue;
		if (there && there != site)
			continue;
		rmw_add32(&stats->closers[i].count, 1);
		if (!c->late)
			set_once(&stats->closers[i].in_time, c->now);
		return;
	}
	atomic_fetch_add_explicit(&stats->closers_more, 1, memory_order_relaxed);
}

static unsigned bucket_of(uint64_t ns)
{
	unsigned bucket = 0;

	for (uint64_t us = ns / 1000; us && bucket < CW_DWELL_BUCKETS - 1; us >>= 1)
		bucket++;
	return bucket;
}

RARE static bool raise_to(_Atomic uint64_t *most, uint64_t value)
{
	uint64_t now = atomic_load_explicit(most, memory_order_relaxed);

	while (now < value) {
		if (atomic_compare_exchange_weak(most, &now, value))
			return true;
	}
	return false;
}

void site_stats_opened(cw_ref ref)
{
	if (ref)
		add(&((struct cw_stats *)ref_pointer(ref))->opened);
}

void site_stats_never_opened(cw_ref ref)
{
	if (ref)
		atomic_fetch_sub_explicit(&((struct cw_stats *)ref_pointer(ref))->opened,
					  1, memory_order_relaxed);
}

/* What is let go of at the end of a program comes within a second, and need not be closed where the
 * peer is still there: so that much can be told apart later. */
static void count_live(struct cw_stats *stats, uint64_t now)
{
	uint64_t burst = atomic_load(&stats->collected_live);
	uint64_t next;

	do
		next = cw_burst_since(burst) + NS_PER_S > now
			       ? burst + 1
			       : (now >> CW_BURST_SHIFT << CW_BURST_BITS) + 1;
	while (!atomic_compare_exchange_weak(&stats->collected_live, &burst, next));
}

RARE static void count_collected(struct cw_stats *stats, const struct site_close *c)
{
	cw_ref none = 0;

	atomic_compare_exchange_strong(&stats->collected_site, &none, c->close_site);
	add(&stats->collected);
	if (!c->peer_left)
		count_live(stats, c->now);
	if (c->dwell == UINT64_MAX)
		return;
	atomic_fetch_add_explicit(&stats->collected_dwell[bucket_of(c->dwell)], 1,
				  memory_order_relaxed);
	raise_to(&stats->collected_dwell_max, c->dwell);
}

void site_stats_closed(cw_ref ref, const struct site_close *c)
{
	struct cw_stats *stats = ref_pointer(ref);

	if (!ref)
		return;
	add(&stats->closed);
	if (c->eof_seen)
		add(&stats->eof_seen);
	if (c->close_site)
		count_closer(stats, c);
	if (c->collected)
		count_collected(stats, c);
	if (c->dwell == UINT64_MAX)
		return;
	rmw_add32(&stats->dwell[bucket_of(c->dwell)], 1);
	if (c->dwell > atomic_load_explicit(&stats->dwell_max, memory_order_relaxed) &&
	    raise_to(&stats->dwell_max, c->dwell) && c->slow)
		atomic_store_explicit(&stats->slow_site, c->close_site,
				      memory_order_relaxed);
	if (c->slow)
		add(&stats->slow);
}

bool site_stats_in_time(cw_ref ref, cw_ref close_site, uint64_t before)
{
	struct cw_stats *stats = ref_pointer(ref);

	for (unsigned i = 0; ref && close_site && i < CW_CLOSERS; i++) {
		uint64_t first;

		if (atomic_load_explicit(&stats->closers[i].site, memory_order_relaxed) !=
		    close_site)
			continue;
		first = atomic_load_explicit(&stats->closers[i].in_time,
					     memory_order_relaxed);
		return first && first <= before;
	}
	return false;
}

void site_stats_gone(cw_ref ref)
{
	if (ref)
		add(&((struct cw_stats *)ref_pointer(ref))->gone);
}

void site_stats_spin(cw_ref ref, cw_ref eof_site)
{
	struct cw_stats *stats = ref_pointer(ref);

	if (!ref)
		return;
	add(&stats->eof_spins);
	atomic_store_explicit(&stats->spin_site, eof_site, memory_order_relaxed);
}
