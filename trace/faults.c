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
		[FAULT_CLOSED_BY_GC] = "closed-by-gc",
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
		collecting->wanted +=
			!!stats->slow + !!stats->eof_spins + !!stats->collected;
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

/* Of a stack's closes the most frequent one that was a collection, where that is still told. */
static cw_ref collected_site(const struct trace_view *view, const struct cw_stats *stats)
{
	cw_ref most = stats->collected_site;
	uint32_t count = 0;

	for (uint32_t i = 0; i < CW_CLOSERS; i++) {
		cw_ref ref = stats->closers[i].site;
		uint32_t frames;
		const struct cw_site *site = trace_site(view, ref, &frames);

		if (!site || !(site->flags & CW_SITE_COLLECTED) ||
		    stats->closers[i].count <= count)
			continue;
		count = stats->closers[i].count;
		most = ref;
	}
	return most;
}

/* The end of a program lets go of connections that nobody has left, as it does in any language. */
static uint64_t let_go_at_exit(const struct subject *subject, uint64_t collected,
			       uint64_t live)
{
	const struct verdict_context *context = &subject->context;
	uint32_t how = subject->process->ended_by;

	if (context->alive || context->killed ||
	    (how != CW_END_EXIT && how != CW_END__EXIT && how != CW_END_QUICK) ||
	    cw_burst_since(live) + LAST_SECOND < context->moment)
		return 0;
	return cw_burst_count(live) < collected ? cw_burst_count(live) : collected;
}

static void add_place(void *context, cw_ref ref)
{
	struct collecting *collecting = context;
	const struct cw_stats *stats = trace_stats(&collecting->subject->view, ref);
	uint64_t collected;

	if (!stats || !stats->open_site)
		return;
	collected = stats->collected;
	add(collecting, &(struct fault_place){
				.kind = FAULT_SLOW_CLOSE,
				.count = stats->slow,
				.longest = stats->dwell_max,
				.sites = {stats->open_site, stats->slow_site},
				.stats = ref,
			});
	add(collecting,
	    &(struct fault_place){
		    .kind = FAULT_CLOSED_BY_GC,
		    .count = collected - let_go_at_exit(collecting->subject, collected,
							stats->collected_live),
		    .longest = stats->collected_dwell_max,
		    .sites = {stats->open_site,
			      collected_site(&collecting->subject->view, stats)},
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

static struct fault_place *uncount(struct collecting *collecting,
				   const struct cw_socket *socket, enum fault_kind kind)
{
	struct fault_place *counted = NULL;

	for (uint32_t i = collecting->first; i < collecting->places->count; i++) {
		struct fault_place *place = &collecting->places->items[i];

		if (place->kind != kind || !place->count)
			continue;
		if (!counted || place->stats == socket->stats)
			counted = place;
	}
	if (counted)
		counted->count--;
	return counted;
}

/* A leak that only the exit closed was counted as a late close when that happened, and as one by
 * the collector; how long it dwelt stands among the others' times, so those are told no more. */
static void uncount_by_exit(void *context, const struct cw_socket *socket)
{
	struct fault_place *place;

	if (socket->flags & CW_SOCKET_SLOW)
		uncount(context, socket, FAULT_SLOW_CLOSE);
	place = socket->flags & CW_SOCKET_COLLECTED
			? uncount(context, socket, FAULT_CLOSED_BY_GC)
			: NULL;
	if (place)
		place->longest = 0;
}

static void collect(struct collecting *collecting, const struct groups *groups)
{
	collecting->first = collecting->places->count;
	groups_each(collecting->subject, CW_EXTENT_STATS, add_place, collecting);
	add_process(collecting);
	groups_each_by_exit(groups, collecting->subject, uncount_by_exit, collecting);
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
