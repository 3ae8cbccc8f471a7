/* SPDX-License-Identifier: MIT */
/*
 * The index of what is interned: bytes in the trace to their reference (uthash).
 *
 * uthash crashes a reader while another thread adds: every function here is for the
 * holder of the sites' lock only. Its memory is an arena of our own, never the program's
 * malloc.
 */
#pragma once

#include <stddef.h>

#include "trace/format.h"

/* The reference that these bytes were added with; 0: they were not. */
cw_ref site_index_find(const void *bytes, size_t size);

/* `bytes` must stay where they are (in the trace). Out of memory: not indexed, so it is
 * only interned again the next time. */
void site_index_add(const void *bytes, size_t size, cw_ref ref);

/* Begins anew, leaving the old memory alone. */
void site_index_forget(void);
