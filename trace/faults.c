/* SPDX-License-Identifier: MIT */
/* Collecting the faults of all processes from their counters. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "faults.h"
#include "siblings.h"

/* Places that may appear between counting and collecting: other threads run on. */
#define SLACK 16u

/* Of a whole process: double-close, descriptors-exhausted. */
#define PER_SUBJECT 2u

struct collecting {
	struct fault_places *places;
	const struct subject *subject;
	uint32_t index;  /* of the subject */
	uint32_t first;  /* of its places */
	uint32_t wanted; /* places to make room for */
};

const char *fault_name(enum fault_kind kind)
{
	static const char *const names[FAULT_KINDS] = {
		[FAULT_SLOW_CLOSE] = "slow-close",
		[FAULT_EOF_SPIN] = "eof-spin",
		[FAULT_DOUBLE_CLOSE] = "double-close",
		[FAULT_EXHAUSTED] = "descriptors-exhausted",
	};

	return kind < FAULT_KINDS ? names[kind] : "?";
}

static void count_place(void *context, cw_ref ref)
{
	struct collecting *collecting = context;
	const struct cw_stats *stats = trace_stats(&collecting->subject->view, ref);

	if (stats)
		collecting->wanted += !!stats->slow + !!stats->eof_spins;
}

static void add(struct collecting *collecting, const struct fault_place *place)
{
	struct fault_places *places = collecting->places;
	struct fault_place *added;

	if (!place->count || places->count == places->room)
		return;
	added = &places->items[places->count++];
	*added = *place;
	added->subject = collecting->index;
}

static void add_place(void *context, cw_ref ref)
{
	struct collecting *collecting = context;
	const struct cw_stats *stats = trace_stats(&collecting->subject->view, ref);

	if (!stats || !stats->open_site)
		return;
	add(collecting, &(struct fault_place){
				.kind = FAULT_SLOW_CLOSE,
				.count = stats->slow,
				.longest = stats->dwell_max,
				.sites = {stats->open_site, stats->slow_site},
				.stats = ref,
			});
	add(collecting, &(struct fault_place){
				.kind = FAULT_EOF_SPIN,
				.count = stats->eof_spins,
				.sites = {stats->spin_site, stats->open_site},
				.stats = ref,
			});
}

static void add_process(struct collecting *collecting)
{
	const struct cw_process *process = collecting->subject->process;

	add(collecting,
	    &(struct fault_place){
		    .kind = FAULT_DOUBLE_CLOSE,
		    .count = process->double_closes,
		    .sites = {process->double_close_earlier, process->double_close_site},
	    });
	add(collecting, &(struct fault_place){
				.kind = FAULT_EXHAUSTED,
				.count = process->exhausted,
			});
}

/* A leak that only the exit closed was counted as a late close when that happened. */
static void uncount_slow(void *context, const struct cw_socket *socket)
{
	struct collecting *collecting = context;
	struct fault_place *counted = NULL;

	if (!(socket->flags & CW_SOCKET_SLOW))
		return;
	for (uint32_t i = collecting->first; i < collecting->places->count; i++) {
		struct fault_place *place = &collecting->places->items[i];

		if (place->kind != FAULT_SLOW_CLOSE || !place->count)
			continue;
		if (!counted || place->stats == socket->stats)
			counted = place;
	}
	if (counted)
		counted->count--;
}

static void collect(struct collecting *collecting, const struct groups *groups)
{
	collecting->first = collecting->places->count;
	groups_each(collecting->subject, CW_EXTENT_STATS, add_place, collecting);
	add_process(collecting);
	groups_each_by_exit(groups, collecting->subject, uncount_slow, collecting);
}

int faults_find(struct fault_places *places, const struct groups *groups)
{
	struct collecting collecting = {.places = places};

	memset(places, 0, sizeof(*places));
	for (uint32_t i = 0; i < groups->subject_count; i++) {
		collecting.subject = &groups->subjects[i];
		groups_each(collecting.subject, CW_EXTENT_STATS, count_place,
			    &collecting);
	}
	places->room = collecting.wanted + groups->subject_count * PER_SUBJECT + SLACK;
	places->size = places->room * sizeof(struct fault_place);
	places->items = mmap(NULL, places->size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (places->items == MAP_FAILED) {
		places->items = NULL;
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < groups->subject_count; i++) {
		collecting.subject = &groups->subjects[i];
		collecting.index = i;
		collect(&collecting, groups);
	}
	return 0;
}

void faults_release(struct fault_places *places)
{
	if (places->items)
		munmap(places->items, places->size);
	places->items = NULL;
}
