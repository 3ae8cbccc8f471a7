/* SPDX-License-Identifier: MIT */
/* The counters of one place, put together from the records of every copy of its stack. */
#include <string.h>

#include "siblings.h"
#include "sort.h"

/* Of so many records of one place the closers are told apart: more than a process makes of
 * one stack, and few enough that a trace cannot make it long work. */
#define RECORDS_TOLD 16u

struct gathering {
	struct groups *groups;
	struct siblings *siblings;
	uint32_t subject; /* whose record is being added */
	uint64_t open_hash;
	uint32_t records;
};

static void add_closer(struct gathering *gathering, cw_ref site, uint64_t count)
{
	struct siblings *siblings = gathering->siblings;
	const struct groups *groups = gathering->groups;
	uint64_t hash = stack_hash(groups->memo,
				   &groups->subjects[gathering->subject].view, site);

	for (uint32_t i = 0; i < siblings->closer_count; i++) {
		if (siblings->closers[i].hash != hash)
			continue;
		siblings->closers[i].count += count;
		return;
	}
	if (siblings->closer_count == SIBLING_CLOSERS)
		siblings->closers_more += count;
	else
		siblings->closers[siblings->closer_count++] = (struct sibling_closer){
			.hash = hash,
			.site = site,
			.subject = gathering->subject,
			.count = count,
		};
}

static void add_closers(struct gathering *gathering, const struct cw_stats *stats)
{
	bool told = gathering->records++ < RECORDS_TOLD;

	for (uint32_t i = 0; i < CW_CLOSERS; i++) {
		cw_ref site = stats->closers[i].site;

		if (site && told)
			add_closer(gathering, site, stats->closers[i].count);
		else if (site)
			gathering->siblings->closers_more += stats->closers[i].count;
	}
}

static void add_stats(struct gathering *gathering, const struct cw_stats *stats)
{
	struct siblings *siblings = gathering->siblings;

	if (!siblings->open_site) {
		siblings->open_site = stats->open_site;
		siblings->subject = gathering->subject;
		siblings->origin = stats->origin;
	}
	siblings->opened += stats->opened;
	siblings->closed += stats->closed;
	siblings->gone += stats->gone;
	siblings->eof_seen += stats->eof_seen;
	siblings->closers_more += stats->closers_more;
	if (stats->dwell_max > siblings->dwell_max)
		siblings->dwell_max = stats->dwell_max;
	add_closers(gathering, stats);
	for (uint32_t i = 0; i < CW_DWELL_BUCKETS; i++)
		siblings->dwell[i] += stats->dwell[i];
}

/* A late close is counted when it happens, before anybody knows that it was the exit's. */
static void subtract_by_exit(struct siblings *siblings,
			     const struct group_by_exit *by_exit)
{
	siblings->closed -= siblings->closed > 0;
	for (uint32_t i = 0; i < siblings->closer_count; i++)
		if (siblings->closers[i].hash == by_exit->close_hash &&
		    siblings->closers[i].count)
			siblings->closers[i].count--;
}

void groups_each_by_exit(const struct groups *groups, const struct subject *subject,
			 void (*visit)(void *context, const struct cw_socket *socket),
			 void *context)
{
	if (!groups->totals.leaked_by_exit)
		return;
	for (uint32_t i = 0; i < CW_LATE_RING; i++) {
		cw_ref ref = subject->process->late[i];
		struct cw_socket socket;
		struct verdict_detail detail;

		if (!ref || !trace_socket_copy(&subject->view, ref, &socket))
			continue;
		verdict_of(&socket, trace_socket_look(&subject->view, &socket),
			   &subject->context, &detail);
		if (detail.closed_by_exit)
			visit(context, &socket);
	}
}

struct indexing {
	struct groups *groups;
	const struct subject *subject;
};

static void index_place(void *context, cw_ref ref)
{
	struct indexing *indexing = context;
	struct groups *groups = indexing->groups;
	const struct trace_view *view = &indexing->subject->view;
	const struct cw_stats *stats = trace_stats(view, ref);

	if (!stats || !stats->open_site || groups->place_count == groups->place_room)
		return;
	groups->places[groups->place_count++] = (struct group_place){
		.hash = stack_hash(groups->memo, view, stats->open_site),
		.stats = ref,
		.subject = (uint32_t)(indexing->subject - groups->subjects),
	};
}

static void index_by_exit(void *context, const struct cw_socket *socket)
{
	struct indexing *indexing = context;
	struct groups *groups = indexing->groups;
	const struct trace_view *view = &indexing->subject->view;
	struct cw_aside aside;

	trace_aside_copy(view, socket, &aside);
	groups->by_exit[groups->by_exit_count++] = (struct group_by_exit){
		.open_hash = stack_hash(groups->memo, view, socket->open_site),
		.close_hash = stack_hash(groups->memo, view, aside.close_site),
	};
}

static int by_hash(const void *left, const void *right, const void *context)
{
	const struct group_place *a = left;
	const struct group_place *b = right;

	(void)context;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (a->subject != b->subject)
		return a->subject < b->subject ? -1 : 1;
	return (a->stats > b->stats) - (a->stats < b->stats);
}

static int by_open_hash(const void *left, const void *right, const void *context)
{
	const struct group_by_exit *a = left;
	const struct group_by_exit *b = right;

	(void)context;
	return (a->open_hash > b->open_hash) - (a->open_hash < b->open_hash);
}

/* Once, not once a group: the work would be their product. */
static void make_index(struct groups *groups)
{
	if (groups->indexed)
		return;
	groups->indexed = true;
	for (uint32_t i = 0; i < groups->subject_count; i++) {
		struct indexing indexing = {groups, &groups->subjects[i]};

		groups_each(indexing.subject, CW_EXTENT_STATS, index_place, &indexing);
		groups_each_by_exit(groups, indexing.subject, index_by_exit, &indexing);
	}
	groups->comparisons += sort_heap(groups->places, groups->place_count,
					 sizeof(*groups->places), by_hash, NULL);
	groups->comparisons += sort_heap(groups->by_exit, groups->by_exit_count,
					 sizeof(*groups->by_exit), by_open_hash, NULL);
}

static uint32_t first_place(const struct groups *groups, uint64_t hash)
{
	return (uint32_t)sort_first(groups->places, groups->place_count,
				    sizeof(*groups->places), hash);
}

static uint32_t first_by_exit(const struct groups *groups, uint64_t hash)
{
	return (uint32_t)sort_first(groups->by_exit, groups->by_exit_count,
				    sizeof(*groups->by_exit), hash);
}

/* Takes the records from `first` on that are of the place; returns the one behind them. */
static uint32_t gather(struct gathering *gathering, uint32_t first)
{
	const struct groups *groups = gathering->groups;
	uint32_t i;

	for (i = first;
	     i < groups->place_count && groups->places[i].hash == gathering->open_hash;
	     i++) {
		const struct group_place *place = &groups->places[i];
		const struct cw_stats *stats =
			trace_stats(&groups->subjects[place->subject].view, place->stats);

		gathering->subject = place->subject;
		if (stats)
			add_stats(gathering, stats);
	}
	for (uint32_t n = first_by_exit(groups, gathering->open_hash);
	     n < groups->by_exit_count &&
	     groups->by_exit[n].open_hash == gathering->open_hash;
	     n++)
		subtract_by_exit(gathering->siblings, &groups->by_exit[n]);
	return i;
}

static int by_count(const void *left, const void *right, const void *context)
{
	const struct sibling_closer *a = left;
	const struct sibling_closer *b = right;

	(void)context;
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	if (a->subject != b->subject)
		return a->subject < b->subject ? -1 : 1;
	return (a->site > b->site) - (a->site < b->site);
}

static uint32_t gather_place(struct groups *groups, uint64_t hash, uint32_t first,
			     struct siblings *siblings)
{
	struct gathering gathering = {
		.groups = groups,
		.siblings = siblings,
		.open_hash = hash,
	};
	uint32_t behind;

	memset(siblings, 0, sizeof(*siblings));
	siblings->hash = hash;
	behind = gather(&gathering, first);
	sort_heap(siblings->closers, siblings->closer_count, sizeof(*siblings->closers),
		  by_count, NULL);
	while (siblings->closer_count &&
	       !siblings->closers[siblings->closer_count - 1].count)
		siblings->closer_count--;
	return behind;
}

void siblings_of(struct groups *groups, const struct subject *subject, cw_ref open_site,
		 struct siblings *siblings)
{
	uint64_t hash = stack_hash(groups->memo, &subject->view, open_site);

	memset(siblings, 0, sizeof(*siblings));
	if (!hash)
		return;
	make_index(groups);
	gather_place(groups, hash, first_place(groups, hash), siblings);
}

bool siblings_next(struct groups *groups, uint32_t *next, struct siblings *siblings)
{
	make_index(groups);
	if (*next >= groups->place_count)
		return false;
	*next = gather_place(groups, groups->places[*next].hash, *next, siblings);
	return true;
}

uint64_t dwell_within(const _Atomic uint32_t dwell[CW_DWELL_BUCKETS], uint64_t max,
		      unsigned percent)
{
	uint64_t total = 0, wanted, seen = 0;

	for (uint32_t i = 0; i < CW_DWELL_BUCKETS; i++)
		total += dwell[i];
	wanted = (total * percent + 99) / 100;
	for (uint32_t i = 0; total && i < CW_DWELL_BUCKETS; i++) {
		seen += dwell[i];
		if (seen < wanted)
			continue;
		return (1ull << i) * 1000 < max ? (1ull << i) * 1000 : max;
	}
	return 0;
}
