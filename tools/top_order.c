/* SPDX-License-Identifier: MIT */
/* Which rows come first, and which process is in the greatest need. */
#include <stdlib.h>

#include "top_table.h"

#define NS_PER_MINUTE 60000000000ull

const char *top_order_name(enum top_order order)
{
	static const char *const names[TOP_ORDERS] = {
		[TOP_BY_COUNT] = "count",
		[TOP_BY_RATE] = "rate",
		[TOP_BY_OLDEST] = "oldest",
		[TOP_BY_BYTES] = "bytes",
	};

	return names[order];
}

static int64_t measure(const struct top_row *row, enum top_order order)
{
	switch (order) {
	case TOP_BY_RATE:
		return top_series_rate(row->counts);
	case TOP_BY_OLDEST:
		return (int64_t)row->oldest;
	case TOP_BY_BYTES:
		return (int64_t)row->bytes;
	default:
		return (int64_t)row->count;
	}
}

static int compare(const void *left, const void *right, void *context)
{
	const struct top_row *a = left;
	const struct top_row *b = right;
	enum top_order order = *(const enum top_order *)context;
	int64_t first = measure(a, order);
	int64_t second = measure(b, order);

	if (a->leak != b->leak)
		return a->leak ? -1 : 1;
	if (first != second)
		return first > second ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return (a->fingerprint > b->fingerprint) - (a->fingerprint < b->fingerprint);
}

void top_sort_rows(struct top_row *rows, size_t count, enum top_order order)
{
	if (count)
		qsort_r(rows, count, sizeof(*rows), compare, &order);
}

uint64_t top_time_left(const struct top_process *process)
{
	int64_t rate = top_series_rate(process->descriptors);
	uint64_t left;

	if (!process->limit || rate <= 0)
		return 0;
	left = process->limit > process->used ? process->limit - process->used : 0;
	return (uint64_t)((unsigned __int128)left * 10 * NS_PER_MINUTE / (uint64_t)rate);
}

/* Time first, where it runs; else the share that is used. */
static bool is_tighter(const struct top_process *a, const struct top_process *b)
{
	uint64_t left_a = top_time_left(a);
	uint64_t left_b = top_time_left(b);

	if ((left_a != 0) != (left_b != 0))
		return left_a != 0;
	if (left_a != left_b)
		return left_a < left_b;
	return (unsigned __int128)a->used * (b->limit ? b->limit : UINT64_MAX) >
	       (unsigned __int128)b->used * (a->limit ? a->limit : UINT64_MAX);
}

const struct top_process *top_tightest(const struct top_table *table)
{
	const struct top_process *tightest = NULL;

	for (size_t i = 0; i < table->process_count; i++)
		if (!tightest || is_tighter(&table->processes[i], tightest))
			tightest = &table->processes[i];
	return tightest;
}
