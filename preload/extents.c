/* SPDX-License-Identifier: MIT */
/* Claims and gives back extents of the trace. */
#include <string.h>
#include <sys/mman.h>

#include "clock.h"
#include "collect.h"
#include "extents.h"
#include "rare.h"
#include "sys.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* <linux/mman.h>, Linux 5.14 */
#endif

/* After a search in vain, ns: every socket that is opened while there is no room would search
 * anew, for 3 us. */
#define FULL_PAUSE 10000000ull

struct trace_map trace_map;

/* A collection makes room for all who wait for it: they may come first. */
#define TRIES 3

/* Before the extent is anybody's: who is killed here has only made the walks longer. */
static void raise_top(uint32_t top)
{
	_Atomic uint32_t *at = &trace_collector()->top;
	uint32_t seen = atomic_load_explicit(at, memory_order_relaxed);

	while (seen < top && !atomic_compare_exchange_weak(at, &seen, top))
		;
}

/* Takes a free extent; false if it is not free. A spare one is committed already. */
static bool try_claim(uint32_t index, uint32_t owner, bool *committed)
{
	uint32_t tag =
		atomic_load_explicit(&trace_map.extents[index].tag, memory_order_relaxed);
	uint32_t claimed = (uint32_t)CW_EXTENT_CLAIMED << 24 | (owner ? owner : index);

	*committed = cw_extent_kind(tag) == CW_EXTENT_SPARE;
	if (!*committed && cw_extent_kind(tag) != CW_EXTENT_FREE)
		return false;
	if (!*committed)
		raise_top(index + 1);
	return atomic_compare_exchange_strong(&trace_map.extents[index].tag, &tag,
					      claimed);
}

static bool commit(uint32_t index)
{
	if (!trace_map.populate)
		return true;
	return sys_madvise(extent_bytes(index), CW_EXTENT_SIZE, MADV_POPULATE_WRITE) == 0;
}

/* A free extent of [low, high), looked for from `hint` on; 0: none, or no room for its pages. */
HOT static uint32_t claim_in(uint32_t low, uint32_t high, uint32_t hint, uint32_t owner)
{
	uint32_t at = hint > low && hint < high ? hint : low;

	for (uint32_t i = low; i < high; i++, at = at + 1 < high ? at + 1 : low) {
		bool committed;

		if (!try_claim(at, owner, &committed))
			continue;
		if (committed || commit(at))
			return at;
		atomic_store(&trace_map.extents[at].tag, CW_EXTENT_FREE);
		return 0;
	}
	return 0;
}

/* The first quarter is the share of the image's first process: what it forks cannot starve
 * it. */
static uint32_t share_end(void)
{
	return trace_map.header->extent_count / 4;
}

uint32_t extent_of_first_process(void)
{
	size_t table = CW_EXTENT_TABLE_OFFSET +
		       trace_map.header->extent_count * sizeof(struct cw_extent);

	return (uint32_t)((table + CW_EXTENT_SIZE - 1) / CW_EXTENT_SIZE);
}

static bool is_first(uint32_t owner)
{
	uint32_t first = extent_of_first_process();

	return owner == first ||
	       (!owner && atomic_load(&trace_map.extents[first].tag) == CW_EXTENT_FREE);
}

static uint32_t claim_from_share(uint32_t owner)
{
	static _Atomic uint32_t hint;
	uint32_t index = claim_in(
		1, share_end(), atomic_load_explicit(&hint, memory_order_relaxed), owner);

	if (index)
		atomic_store_explicit(&hint, index + 1, memory_order_relaxed);
	return index;
}

static uint32_t claim_from_rest(uint32_t owner)
{
	_Atomic uint32_t *hint = &trace_map.header->extent_hint;
	uint32_t index =
		claim_in(share_end(), trace_map.header->extent_count,
			 atomic_load_explicit(hint, memory_order_relaxed), owner);

	if (index)
		atomic_store_explicit(hint, index + 1, memory_order_relaxed);
	return index;
}

static uint32_t claim(uint32_t owner, bool first)
{
	uint32_t index = first ? claim_from_share(owner) : claim_from_rest(owner);

	if (!index && first)
		index = claim_from_rest(owner);
	else if (!index && collect_first_has_ended())
		index = claim_from_share(owner);
	return index;
}

HOT static uint32_t claim_or_collect(uint32_t owner, bool first)
{
	static _Atomic uint64_t not_before;
	uint64_t pause = atomic_load_explicit(&not_before, memory_order_relaxed);
	uint32_t index;

	if (pause && clock_ns() < pause)
		return 0;
	index = claim(owner, first);
	for (int i = 0; i < TRIES && !index && collect_for_room(); i++)
		index = claim(owner, first);
	if (!index)
		atomic_store_explicit(&not_before, clock_ns() + FULL_PAUSE,
				      memory_order_relaxed);
	return index;
}

uint32_t extent_claim(uint32_t owner)
{
	return claim_or_collect(owner, is_first(owner));
}

uint32_t extent_claim_for_child(uint32_t parent)
{
	return claim_or_collect(parent, false);
}

void extent_publish(uint32_t index, enum cw_extent_kind kind)
{
	uint32_t tag =
		atomic_load_explicit(&trace_map.extents[index].tag, memory_order_relaxed);

	atomic_store_explicit(&trace_map.extents[index].tag,
			      (uint32_t)kind << 24 | cw_extent_owner(tag),
			      memory_order_release);
}

void extent_publish_process(uint32_t index)
{
	atomic_store_explicit(&trace_map.extents[index].tag,
			      (uint32_t)CW_EXTENT_PROCESS << 24 | index,
			      memory_order_release);
}

/* What is carved into records, or entered as a descriptor, lies below `used`. */
static size_t written_bytes(uint32_t index, enum cw_extent_kind kind)
{
	uint32_t used = atomic_load(&trace_map.extents[index].used);

	switch (kind) {
	case CW_EXTENT_FDS:
	case CW_EXTENT_SOCKETS:
	case CW_EXTENT_STATS:
	case CW_EXTENT_LOOKS:
	case CW_EXTENT_HEAP:
		return used < CW_EXTENT_SIZE ? used : CW_EXTENT_SIZE;
	default:
		return CW_EXTENT_SIZE;
	}
}

HOT void extent_release(uint32_t index)
{
	struct cw_extent *extent = &trace_map.extents[index];
	uint32_t tag = atomic_load(&extent->tag);
	uint32_t owner = cw_extent_owner(tag);
	enum cw_extent_kind kind = cw_extent_kind(tag);
	uint32_t hint = atomic_load_explicit(&trace_map.header->extent_hint,
					     memory_order_relaxed);

	/* A process's own is nobody's from here on. */
	if (owner == index)
		owner = 0;
	atomic_store(&extent->tag, (uint32_t)CW_EXTENT_CLAIMED << 24 | owner);
	/* Not punched out of the file: the next fork wants it again. */
	memset(extent_bytes(index), 0, written_bytes(index, kind));
	atomic_store(&extent->used, 0);
	atomic_store(&extent->tag, (uint32_t)CW_EXTENT_SPARE << 24);
	if (index < hint)
		atomic_store_explicit(&trace_map.header->extent_hint, index,
				      memory_order_relaxed);
}

/* Its claimer, or who gave it back, was killed over it: whether its pages are there is not known. */
static bool release_left(uint32_t index)
{
	if (!commit(index))
		return false;
	extent_release(index);
	return true;
}

bool extent_release_orphan(uint32_t index)
{
	return atomic_load(&trace_map.extents[index].tag) == (uint32_t)CW_EXTENT_CLAIMED
								     << 24 &&
	       release_left(index);
}

HOT uint32_t extents_release_owned(uint32_t owner, bool but_sites)
{
	uint32_t count = extents_end();
	uint32_t released = 0;

	for (uint32_t i = extent_next(0); i < count; i = extent_next(i + 1)) {
		uint32_t tag = atomic_load(&trace_map.extents[i].tag);

		if (i == owner || cw_extent_kind(tag) < CW_EXTENT_CLAIMED ||
		    cw_extent_owner(tag) != owner ||
		    (but_sites && cw_extent_kind(tag) == CW_EXTENT_HEAP))
			continue;
		if (cw_extent_kind(tag) == CW_EXTENT_CLAIMED) {
			released += release_left(i);
			continue;
		}
		extent_release(i);
		released++;
	}
	return released;
}

HOT void *extent_carve(_Atomic uint32_t *current, uint32_t owner,
		       enum cw_extent_kind kind, size_t size)
{
	for (;;) {
		uint32_t index = atomic_load(current);
		uint32_t fresh;

		if (index) {
			uint32_t at = atomic_fetch_add(&trace_map.extents[index].used,
						       (uint32_t)size);

			if (at + size <= CW_EXTENT_SIZE)
				return (uint8_t *)extent_bytes(index) + at;
			atomic_fetch_sub(&trace_map.extents[index].used, (uint32_t)size);
		}
		fresh = extent_claim(owner);
		if (!fresh)
			return NULL;
		extent_publish(fresh, kind);
		if (!atomic_compare_exchange_strong(current, &index, fresh))
			extent_release(fresh);
	}
}
