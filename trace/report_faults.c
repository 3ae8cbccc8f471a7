/* SPDX-License-Identifier: MIT */
/* Faults that are no single open socket: closed too late, EOF read in a loop, and others. */
#include "report_parts.h"
#include "siblings.h"
#include "text.h"

#define PLACES_SHOWN 3u

/* Through the places that hold a process's sockets. */
struct walk {
	struct report *report;
	uint64_t count; /* sockets that the process holds */
	uint32_t shown;
};

/* The first place of that kind; the report is on its process from then on. NULL: none. */
static const struct fault_place *turn_to(struct report *report, enum fault_kind kind)
{
	const struct findings *findings = report->findings;

	for (uint32_t i = 0; i < findings->fault_places.count; i++) {
		const struct fault_place *place = &findings->fault_places.items[i];

		if (!fault_counts(place, kind))
			continue;
		report->subject = &findings->subjects[place->subject];
		return place;
	}
	return NULL;
}

/* The same stacks? One process may have them many times: a stack is a site for each way that it takes
 * through an interpreter. */
static bool is_alike(const struct report *report, const struct fault_place *a,
		     const struct fault_place *b)
{
	const struct findings *findings = report->findings;

	for (uint32_t n = 0; n < FAULT_SITES; n++)
		if (stack_hash(findings->groups.memo,
			       &findings->subjects[a->subject].view, a->sites[n]) !=
		    stack_hash(findings->groups.memo,
			       &findings->subjects[b->subject].view, b->sites[n]))
			return false;
	return true;
}

static void put_collected_here(const struct report *report,
			       const struct fault_place *place)
{
	const struct findings *findings = report->findings;
	_Atomic uint32_t dwell[CW_DWELL_BUCKETS] = {0};
	uint64_t count = 0, longest = 0;

	for (uint32_t i = 0; i < findings->fault_places.count; i++) {
		const struct fault_place *other = &findings->fault_places.items[i];
		const struct cw_stats *stats = trace_stats(
			&findings->subjects[other->subject].view, other->stats);

		if (!stats || !fault_counts(other, FAULT_CLOSED_BY_GC) ||
		    !is_alike(report, place, other))
			continue;
		count += other->count;
		if (other->longest > longest)
			longest = other->longest;
		for (uint32_t n = 0; n < CW_DWELL_BUCKETS && other->longest; n++)
			dwell[n] += stats->collected_dwell[n];
	}
	text_put(report->sink, "  ");
	text_count(report->sink, count, "connection");
	text_put(report->sink, " here");
	report_dwell(report, "; ", dwell, longest);
	text_put(report->sink, "\n");
}

/* Was it shown among these? */
static bool was_shown(const struct report *report, const struct fault_place *place,
		      const struct fault_place *const *shown, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (is_alike(report, place, shown[i]))
			return true;
	return false;
}

/* The stacks of the first places of that kind. */
static void put_places(const struct report *report, enum fault_kind kind,
		       const char *const labels[FAULT_SITES])
{
	const struct findings *findings = report->findings;
	const struct fault_place *shown[PLACES_SHOWN];
	uint32_t count = 0;

	for (uint32_t i = 0; i < findings->fault_places.count && count < PLACES_SHOWN;
	     i++) {
		const struct fault_place *place = &findings->fault_places.items[i];
		struct report own =
			report_on(report, &findings->subjects[place->subject]);

		if (!fault_counts(place, kind) || was_shown(report, place, shown, count))
			continue;
		shown[count++] = place;
		for (uint32_t n = 0; n < FAULT_SITES; n++)
			report_stack(&own, labels[n], place->sites[n]);
		if (kind == FAULT_CLOSED_BY_GC)
			put_collected_here(&own, place);
		text_put(report->sink, "\n");
	}
}

bool report_has_faults(const struct report *report)
{
	const struct faults *faults = &report->findings->faults;

	return faults->slow || faults->collected || faults->spins ||
	       faults->double_closes || faults->exhausted;
}

static void put_slow(const struct report *report)
{
	static const char *const labels[FAULT_SITES] = {"opened", "closed"};

	text_put(report->sink, "slow-close  ");
	text_count(report->sink, report->findings->faults.slow, "socket");
	text_put(report->sink, report->findings->faults.slow == 1 ? " was" : " were");
	text_put(report->sink, " closed, but only after more than ");
	text_duration(report->sink, report->subject->context.slow_close);
	text_put(report->sink, " in CLOSE_WAIT; the slowest after ");
	text_duration(report->sink, report->findings->faults.slow_max);
	text_put(report->sink, "\n\n");
	put_places(report, FAULT_SLOW_CLOSE, labels);
}

static void put_collected(const struct report *report)
{
	static const char *const labels[FAULT_SITES] = {"opened", "closed"};
	uint64_t count = report->findings->faults.collected;

	text_put(report->sink, "closed-by-gc  ");
	text_count(report->sink, count, "connection");
	text_put(report->sink,
		 count == 1 ? " was closed only as Python collected its object: no code "
			      "closed it\n\n"
			    : " were closed only as Python collected their objects: no "
			      "code closed them\n\n");
	put_places(report, FAULT_CLOSED_BY_GC, labels);
}

static void put_spins(const struct report *report)
{
	static const char *const labels[FAULT_SITES] = {"EOF read", "opened"};

	text_put(report->sink, "eof-spin  EOF was read ");
	text_unsigned(report->sink, CW_EOF_SPIN);
	text_put(report->sink, " times or more on ");
	text_count(report->sink, report->findings->faults.spins, "socket");
	text_put(report->sink, ": a read that returned 0 returns 0 for ever\n\n");
	put_places(report, FAULT_EOF_SPIN, labels);
}

static void put_double_closes(struct report *report)
{
	const struct fault_place *place = turn_to(report, FAULT_DOUBLE_CLOSE);

	text_put(report->sink, "double-close  ");
	text_count(report->sink, report->findings->faults.double_closes, "time");
	text_put(report->sink, " a socket's descriptor was closed that had been closed "
			       "before: with threads, the second close hits whoever got "
			       "the number next\n\n");
	report_stack(report, "closed", place ? place->sites[0] : 0);
	report_stack(report, "and again", place ? place->sites[1] : 0);
	text_put(report->sink, "\n");
}

/* Places that hold at least a tenth of the process's sockets. */
static void put_holder(void *context, cw_ref ref)
{
	struct walk *walk = context;
	struct report *report = walk->report;
	const struct cw_stats *stats = trace_stats(&report->subject->view, ref);
	uint64_t opened = stats ? stats->opened : 0;
	uint64_t given_back = stats ? stats->closed + stats->gone : 0;

	if (opened <= given_back || walk->shown == PLACES_SHOWN ||
	    (opened - given_back) * 10 < walk->count)
		return;
	walk->shown++;
	text_unsigned_wide(report->sink, opened - given_back, 8);
	text_put(report->sink, " held of those opened in  ");
	report_path(report, stats->open_site);
	text_put(report->sink, "\n");
}

static void put_exhausted(struct report *report)
{
	struct walk walk = {.report = report};
	const struct cw_process *process;
	uint64_t first;

	turn_to(report, FAULT_EXHAUSTED);
	process = report->subject->process;
	first = process->exhausted_first;
	if (process->opened > process->closed + process->gone)
		walk.count = process->opened - process->closed - process->gone;
	text_put(report->sink, "descriptors-exhausted  accept or socket failed ");
	text_count(report->sink, report->findings->faults.exhausted, "time");
	text_put(report->sink, " (EMFILE or ENFILE)");
	if (first && first <= report->subject->context.moment) {
		text_put(report->sink, ", first ");
		text_duration(report->sink, report->subject->context.moment - first);
		text_put(report->sink,
			 report->subject->context.alive ? " ago" : " before the end");
	}
	text_put(report->sink, "\n");
	groups_each(report->subject, CW_EXTENT_STATS, put_holder, &walk);
	text_put(report->sink, "\n");
}

void report_faults_put(struct report *report)
{
	const struct faults *faults = &report->findings->faults;

	if (faults->slow)
		put_slow(report);
	if (faults->collected)
		put_collected(report);
	if (faults->spins)
		put_spins(report);
	if (faults->double_closes)
		put_double_closes(report);
	if (faults->exhausted)
		put_exhausted(report);
}
