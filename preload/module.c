/* SPDX-License-Identifier: MIT */
/* What is known of one module. */
#include "modules.h"

/* The number of the segment that holds it; `segments`: none does. */
static uint32_t segment_of(const struct module *m, uintptr_t at, size_t size)
{
	uint32_t i = 0;

	while (i < m->segments && (at < m->readable[i].low || at >= m->readable[i].high ||
				   size > m->readable[i].high - at))
		i++;
	return i;
}

enum module_memory module_memory(const struct module *m, uintptr_t at, size_t size)
{
	uint32_t i = segment_of(m, at, size);

	if (i == m->segments)
		return MODULE_NONE;
	return m->readable[i].writable ? MODULE_VARIABLE : MODULE_CONSTANT;
}

bool module_executes(const struct module *m, uintptr_t at, size_t size)
{
	uint32_t i = segment_of(m, at, size);

	return i < m->segments && m->readable[i].executable;
}

bool module_holds(const struct module *m, uintptr_t at, size_t size)
{
	return module_memory(m, at, size) != MODULE_NONE;
}

/* The table: pairs of a function's start and its FDE, both relative to the header, sorted. */
struct module_function module_function(const struct module *m, uintptr_t pc)
{
	struct module_function found = {.high = m->high};
	const int32_t *table = (const int32_t *)m->table;
	uint32_t low = 0, high = m->table_count, entries = high;

	if (!m->table || !module_holds(m, m->table, entries * 2ul * sizeof *table))
		return found;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (m->eh_frame_hdr + (uintptr_t)(intptr_t)table[middle * 2] <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	if (low) {
		found.low = m->eh_frame_hdr + (uintptr_t)(intptr_t)table[low * 2 - 2];
		found.entry = m->eh_frame_hdr + (uintptr_t)(intptr_t)table[low * 2 - 1];
	}
	if (low < entries)
		found.high = m->eh_frame_hdr + (uintptr_t)(intptr_t)table[low * 2];
	return found;
}
