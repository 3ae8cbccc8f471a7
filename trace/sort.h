/* SPDX-License-Identifier: MIT */
/* Sorting in place. glibc's qsort may call malloc. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Heapsort, ascending. Not stable: compare() must break ties. Returns the number of
 * comparisons made. */
uint64_t sort_heap(void *base, size_t count, size_t size,
		   int (*compare)(const void *a, const void *b, const void *context),
		   const void *context);
