/* SPDX-License-Identifier: MIT */
/* What the parts of the site machinery share; for the holder of the sites' lock. */
#pragma once

#include <stddef.h>

#include "books.h"

/* Zeroed bytes of the trace's heap; NULL: no room. */
void *sites_heap_take(struct books *b, size_t size);

/* site_string() for the holder of the lock. */
cw_ref sites_string_locked(struct books *b, const char *text);

/* A record of `size` bytes, all of them set, in the trace once: two that are alike are one. 0: no
 * room. */
cw_ref sites_record_locked(struct books *b, const void *record, size_t size);

/* Of a site's frames. */
uint32_t sites_hash(const struct cw_frame *frames, uint32_t count);
