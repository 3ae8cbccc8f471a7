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

/* Claims an extent for the process in extent `owner` (0: it becomes its own owner). Its
 * bytes are zero and committed; it is not visible to readers before extent_publish().
 * Returns its index, or 0 if there is none or the file system is full. */
uint32_t extent_claim(uint32_t owner);
void extent_publish(uint32_t index, enum cw_extent_kind kind);

/* Gives one extent back, or all that belong to `owner`, that of the process itself last. */
void extent_release(uint32_t index);
void extents_release_owned(uint32_t owner);

/* Gives back what processes left that ended with nothing to report. Before a fork only if a few
 * have; `all` where extents run short. */
void extents_collect(bool all);

/* The next `size` bytes (a multiple of 8) of the extent in *current, or of a new one of
 * that kind that is then put there. Lock-free. NULL if there is no room. */
void *extent_carve(_Atomic uint32_t *current, uint32_t owner, enum cw_extent_kind kind,
		   size_t size);
