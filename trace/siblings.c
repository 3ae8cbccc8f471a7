/* SPDX-License-Identifier: MIT */
/* The counters of one place, put together from the records of every copy of its stack. */
#include <string.h>

#include "siblings.h"
#include "sort.h"

struct gathering {
	struct groups *groups;
	struct siblings *siblings;
	uint64_t open_hash;
};

static void add_closer(struct gathering *gathering, cw_ref site, uint64_t count)
{
	struct siblings *siblings = gathering->siblings;
	uint64_t hash =
		stack_hash(gathering->groups->memo, gathering->groups->view, site);

	for (uint32_t i = 0; i < siblings->closer_count; i++) {
		if (siblings->closers[i].hash != hash)
			continue;
		siblings->closers[i].count += count;
		return;
	}
	if (siblings->closer_count == SIBLING_CLOSERS)
		siblings->closers_more += count;
	else
		siblings->closers[siblings->closer_count++] =
			(struct sibling_closer){hash, site, count};
}

static void add_stats(void *context, cw_ref ref)
{
	struct gathering *gathering = context;
	struct groups *groups = gathering->groups;
	struct siblings *siblings = gathering->siblings;
	const struct cw_stats *stats = trace_stats(groups->view, ref);

	if (!stats || stack_hash(groups->memo, groups->view, stats->open_site) !=
			      gathering->open_hash)
		return;
	siblings->opened += stats->opened;
	siblings->closed += stats->closed;
	siblings->closers_more += stats->closers_more;
	if (stats->dwell_max > siblings->dwell_max)
		siblings->dwell_max = stats->dwell_max;
	for (uint32_t i = 0; i < CW_CLOSERS; i++)
		if (stats->closers[i].site)
			add_closer(gathering, stats->closers[i].site,
				   stats->closers[i].count);
	for (uint32_t i = 0; i < CW_DWELL_BUCKETS; i++)
		siblings->dwell[i] += stats->dwell[i];
}

/* A late close is counted when it happens, before anybody knows that it was the exit's. */
static void subtract_by_exit(void *context, const struct cw_socket *socket)
{
	struct gathering *gathering = context;
	struct siblings *siblings = gathering->siblings;
	struct groups *groups = gathering->groups;
	uint64_t hash;

	if (stack_hash(groups->memo, groups->view, socket->open_site) !=
	    gathering->open_hash)
		return;
	siblings->closed -= siblings->closed > 0;
	hash = stack_hash(groups->memo, groups->view, socket->close_site);
	for (uint32_t i = 0; i < siblings->closer_count; i++)
		if (siblings->closers[i].hash == hash && siblings->closers[i].count)
			siblings->closers[i].count--;
}

void groups_each_by_exit(struct groups *groups,
			 void (*visit)(void *context, const struct cw_socket *socket),
			 void *context)
{
	const struct cw_process *process = trace_process(groups->view, groups->process);

	if (!process || !groups->totals.leaked_by_exit)
		return;
	for (uint32_t i = 0; i < CW_LATE_RING; i++) {
		struct cw_socket socket;
		struct verdict_detail detail;
		const struct cw_look *look;

		if (!process->late[i] ||
		    !trace_socket_copy(groups->view, process->late[i], &socket))
			continue;
		look = trace_socket_look(groups->view, &socket);
		verdict_of(&socket, look, &groups->context, &detail);
		if (detail.closed_by_exit)
			visit(context, &socket);
	}
}

static int by_count(const void *left, const void *right, const void *context)
{
	const struct sibling_closer *a = left;
	const struct sibling_closer *b = right;

	(void)context;
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return (a->site > b->site) - (a->site < b->site);
}

void siblings_of(struct groups *groups, cw_ref open_site, struct siblings *siblings)
{
	struct gathering gathering = {
		.groups = groups,
		.siblings = siblings,
		.open_hash = stack_hash(groups->memo, groups->view, open_site),
	};

	memset(siblings, 0, sizeof(*siblings));
	if (!gathering.open_hash)
		return;
	groups_each(groups->view, groups->process, CW_EXTENT_STATS, add_stats,
		    &gathering);
	groups_each_by_exit(groups, subtract_by_exit, &gathering);
	sort_heap(siblings->closers, siblings->closer_count, sizeof(*siblings->closers),
		  by_count, NULL);
	while (siblings->closer_count &&
	       !siblings->closers[siblings->closer_count - 1].count)
		siblings->closer_count--;
}

uint64_t siblings_dwell(const struct siblings *siblings, unsigned percent)
{
	uint64_t total = 0, wanted, seen = 0;

	for (uint32_t i = 0; i < CW_DWELL_BUCKETS; i++)
		total += siblings->dwell[i];
	wanted = (total * percent + 99) / 100;
	for (uint32_t i = 0; total && i < CW_DWELL_BUCKETS; i++) {
		seen += siblings->dwell[i];
		if (seen < wanted)
			continue;
		return (1ull << i) * 1000 < siblings->dwell_max ? (1ull << i) * 1000
								: siblings->dwell_max;
	}
	return 0;
}
