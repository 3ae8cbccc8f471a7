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

/* Of items that begin with a uint64_t and are sorted by it: the index of the first whose word is
 * not less than `word`; `count` if there is none. */
size_t sort_first(const void *base, size_t count, size_t size, uint64_t word);
