/* SPDX-License-Identifier: MIT */
/*
 * The trace's memory: extents claimed for a process, and what is packed into them.
 *
 * One mapping serves the process that made it and all it forks. Claiming is an atomic
 * swap on a word of the extent table, so it needs no lock and works from a signal
 * handler. Every page is committed before it is handed out: a store to a hole of a full
 * tmpfs would kill the program.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/format.h"

struct trace_map {
	uint8_t *bytes; /* NULL: no trace (yet) */
	size_t size;
	bool populate; /* pages must be committed by hand: it is a file */
	struct cw_header *header;
	struct cw_extent *extents;
};

extern struct trace_map trace_map;

static inline void *ref_pointer(cw_ref ref)
{
	return trace_map.bytes + ((size_t)ref << 3);
}

static inline cw_ref pointer_ref(const void *pointer)
{
	return (cw_ref)((size_t)((const uint8_t *)pointer - trace_map.bytes) >> 3);
}

static inline void *extent_bytes(uint32_t index)
{
	return trace_map.bytes + (size_t)index * CW_EXTENT_SIZE;
}

static inline struct cw_collector *trace_collector(void)
{
	return (struct cw_collector *)(trace_map.bytes + CW_COLLECTOR_OFFSET);
}

/* Where a walk over the extents ends. */
static inline uint32_t extents_end(void)
{
	return atomic_load(&trace_collector()->top);
}

/* The next extent from `i` on that is not free, or extents_end(). */
static inline uint32_t extent_next(uint32_t i)
{
	const struct cw_extent *all = trace_map.extents;
	uint32_t count = extents_end();

	while (i + 4 <= count &&
	       !(atomic_load_explicit(&all[i].tag, memory_order_relaxed) |
		 atomic_load_explicit(&all[i + 1].tag, memory_order_relaxed) |
		 atomic_load_explicit(&all[i + 2].tag, memory_order_relaxed) |
		 atomic_load_explicit(&all[i + 3].tag, memory_order_relaxed)))
		i += 4;
	while (i < count && !atomic_load_explicit(&all[i].tag, memory_order_relaxed))
		i++;
	return i;
}

/* Claims an extent for the process in extent `owner` (0: it becomes its own owner). Its
 * bytes are zero and committed; it is not visible to readers before extent_publish().
 * Where none is free, the books of processes that are no more are collected first. Returns
 * its index, or 0 if there is none or the file system is full. */
uint32_t extent_claim(uint32_t owner);
/* The same for the record of a process that this one, in extent `parent`, is about to fork: until then
 * it goes with its parent. */
uint32_t extent_claim_for_child(uint32_t parent);
void extent_publish(uint32_t index, enum cw_extent_kind kind);
/* Its own owner from now on. */
void extent_publish_process(uint32_t index);

/* Gives one extent back, or all that belong to the process in `owner` but that itself; with
 * `but_sites` what is kept, too, is its heap. Returns how many. The process is no more. */
void extent_release(uint32_t index);
uint32_t extents_release_owned(uint32_t owner, bool but_sites);
/* The record of a process that another collector was killed over giving back; false: it is not. */
bool extent_release_orphan(uint32_t index);

/* Where the process lies that made the trace. */
uint32_t extent_of_first_process(void);

/* The next `size` bytes (a multiple of 8) of the extent in *current, or of a new one of
 * that kind that is then put there. Lock-free. NULL if there is no room. */
void *extent_carve(_Atomic uint32_t *current, uint32_t owner, enum cw_extent_kind kind,
		   size_t size);

/* So many records of that size may be in use in the extent, at its beginning. */
static inline size_t extent_carved(uint32_t index, size_t size)
{
	uint32_t used = atomic_load(&trace_map.extents[index].used);

	return (used < CW_EXTENT_SIZE ? used : CW_EXTENT_SIZE) / size;
}
