/* SPDX-License-Identifier: MIT */
/* Numbers over time. */
#include "top_table.h"

#define NS_PER_MINUTE 60000000000ll

void top_series_add(struct top_series *series, uint64_t when, uint64_t value)
{
	uint32_t at = series->count++ % TOP_LOOKS;

	series->when[at] = when;
	series->value[at] = value;
	/* The places stay the same, the number does not run over. */
	if (series->count == 2 * TOP_LOOKS)
		series->count -= TOP_LOOKS;
}

static uint32_t kept(const struct top_series *series)
{
	return series->count < TOP_LOOKS ? series->count : TOP_LOOKS;
}

bool top_series_at(const struct top_series *series, uint32_t n, uint64_t *value)
{
	if (n >= kept(series))
		return false;
	*value = series->value[(series->count - 1 - n) % TOP_LOOKS];
	return true;
}

int64_t top_series_rate(const struct top_series *series)
{
	uint32_t last, first;
	int64_t time, change;

	if (kept(series) < 2)
		return 0;
	last = (series->count - 1) % TOP_LOOKS;
	first = (series->count - kept(series)) % TOP_LOOKS;
	time = (int64_t)(series->when[last] - series->when[first]);
	change = (int64_t)(series->value[last] - series->value[first]);
	if (time <= 0)
		return 0;
	return (int64_t)((__int128)change * 10 * NS_PER_MINUTE / time);
}
