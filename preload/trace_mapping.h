/* SPDX-License-Identifier: MIT */
/* The memory of the trace: a file's, or where none can be had the process's own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/format.h"

/* What a notice says of a trace that has no file. */
#define WITHOUT_FILE "; traced in memory only, nothing is left after kill -9"

/* Bytes of the header and the extent table, of a trace that is so large. */
static inline size_t trace_head_size(size_t size)
{
	return CW_EXTENT_TABLE_OFFSET + size / CW_EXTENT_SIZE * sizeof(struct cw_extent);
}

struct trace_mapping {
	uint8_t *bytes;
	size_t size;
	bool populate; /* its pages must be committed before they are written to */
};

/* Each makes the mapping. False: it cannot be had, which a notice tells. */

/* Sizes and maps `fd`, a new file in the directory `where`, if its pages can be committed, by madvise or
 * else by allocating all of it. */
bool trace_map_file(int fd, const char *where, struct trace_mapping *made);

bool trace_map_private(struct trace_mapping *made);
