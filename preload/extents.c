/* SPDX-License-Identifier: MIT */
/* Claims and gives back extents of the trace. */
#include <string.h>
#include <sys/mman.h>

#include "clock.h"
#include "extents.h"
#include "proc.h"
#include "sys.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* <linux/mman.h>, Linux 5.14 */
#endif

struct trace_map trace_map;

/* Takes a free extent; false if it is not free. A spare one is committed already. */
static bool try_claim(uint32_t index, uint32_t owner, bool *committed)
{
	uint32_t tag =
		atomic_load_explicit(&trace_map.extents[index].tag, memory_order_relaxed);
	uint32_t claimed = (uint32_t)CW_EXTENT_CLAIMED << 24 | (owner ? owner : index);

	*committed = cw_extent_kind(tag) == CW_EXTENT_SPARE;
	if (!*committed && cw_extent_kind(tag) != CW_EXTENT_FREE)
		return false;
	return atomic_compare_exchange_strong(&trace_map.extents[index].tag, &tag,
					      claimed);
}

static bool commit(uint32_t index)
{
	if (!trace_map.populate)
		return true;
	return sys_madvise(extent_bytes(index), CW_EXTENT_SIZE, MADV_POPULATE_WRITE) == 0;
}

uint32_t extent_claim(uint32_t owner)
{
	uint32_t count = trace_map.header->extent_count;
	uint32_t hint = atomic_load_explicit(&trace_map.header->extent_hint,
					     memory_order_relaxed);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t index = hint + i < count ? hint + i : hint + i - count;
		bool committed;

		if (!try_claim(index, owner, &committed))
			continue;
		if (!committed && !commit(index)) {
			atomic_store(&trace_map.extents[index].tag, CW_EXTENT_FREE);
			return 0;
		}
		atomic_store_explicit(&trace_map.header->extent_hint,
				      index + 1 < count ? index + 1 : 0,
				      memory_order_relaxed);
		return index;
	}
	return 0;
}

void extent_publish(uint32_t index, enum cw_extent_kind kind)
{
	uint32_t tag =
		atomic_load_explicit(&trace_map.extents[index].tag, memory_order_relaxed);

	atomic_store_explicit(&trace_map.extents[index].tag,
			      (uint32_t)kind << 24 | cw_extent_owner(tag),
			      memory_order_release);
}

void extent_release(uint32_t index)
{
	struct cw_extent *extent = &trace_map.extents[index];
	uint32_t owner = cw_extent_owner(atomic_load(&extent->tag));
	uint32_t hint = atomic_load_explicit(&trace_map.header->extent_hint,
					     memory_order_relaxed);

	atomic_store(&extent->tag, (uint32_t)CW_EXTENT_CLAIMED << 24 | owner);
	/* Not punched out of the file: the next fork wants it again. */
	memset(extent_bytes(index), 0, CW_EXTENT_SIZE);
	atomic_store(&extent->used, 0);
	atomic_store(&extent->tag, (uint32_t)CW_EXTENT_SPARE << 24);
	if (index < hint)
		atomic_store_explicit(&trace_map.header->extent_hint, index,
				      memory_order_relaxed);
}

void extents_release_owned(uint32_t owner)
{
	uint32_t count = trace_map.header->extent_count;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t tag = atomic_load(&trace_map.extents[i].tag);

		if (i != owner && cw_extent_kind(tag) > CW_EXTENT_CLAIMED &&
		    cw_extent_owner(tag) == owner)
			extent_release(i);
	}
	extent_release(owner);
}

/* Processes that ended since the last time; private to each process, so a child begins anew. */
static uint32_t ended_before;

/* A few at a time are worth the walk. */
#define COLLECT_AT 8

/* A fork that failed leaves its child unborn; one that did not is over after so long (ns). */
#define UNBORN_AT_MOST 60000000000ull

static void collect_one(uint32_t index)
{
	struct cw_process *process = extent_bytes(index);
	uint32_t state = atomic_load(&process->state);

	/* Its other threads may run on for a moment after it has written its report, and they
	 * are in our hooks: only what the kernel has done with is taken. */
	if (state == CW_PROCESS_CLEAN && proc_alive(process->pid, process->pid_start))
		return;
	if (state == CW_PROCESS_UNBORN && clock_ns() - process->started < UNBORN_AT_MOST)
		return;
	if ((state == CW_PROCESS_CLEAN || state == CW_PROCESS_UNBORN) &&
	    atomic_compare_exchange_strong(&process->state, &state, CW_PROCESS_NONE))
		extents_release_owned(index);
}

void extents_collect(bool all)
{
	uint32_t count = trace_map.header->extent_count;
	uint32_t ended =
		atomic_load_explicit(&trace_map.header->ended, memory_order_relaxed);

	if (!all && ended - ended_before < COLLECT_AT)
		return;
	ended_before = ended;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t tag = atomic_load(&trace_map.extents[i].tag);

		if (cw_extent_kind(tag) == CW_EXTENT_PROCESS)
			collect_one(i);
	}
}

void *extent_carve(_Atomic uint32_t *current, uint32_t owner, enum cw_extent_kind kind,
		   size_t size)
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
