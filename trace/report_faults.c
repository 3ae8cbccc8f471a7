/* SPDX-License-Identifier: MIT */
/* Faults that are no single open socket: closed too late, EOF read in a loop, and others. */
#include "report_parts.h"
#include "text.h"

#define PLACES_SHOWN 3u

struct walk {
	struct report *report;
	uint64_t count; /* sockets that the process holds, where that matters */
	uint32_t shown;
};

static struct walk walk_of(struct report *report)
{
	return (struct walk){.report = report};
}

/* Visits the counters of every process, the report being on that process meanwhile. */
static void each_place(struct walk *walk, void (*visit)(void *context, cw_ref ref))
{
	struct report *report = walk->report;
	const struct findings *findings = report->findings;
	const struct subject *before = report->subject;

	for (uint32_t i = 0; i < findings->subject_count; i++) {
		report->subject = &findings->subjects[i];
		groups_each(report->subject, CW_EXTENT_STATS, visit, walk);
	}
	report->subject = before;
}

/* The first process that a counter is not 0 of. */
static void turn_to(struct report *report,
		    uint64_t (*counter)(const struct cw_process *process))
{
	const struct findings *findings = report->findings;

	for (uint32_t i = findings->subject_count; i-- > 0;)
		if (counter(findings->subjects[i].process))
			report->subject = &findings->subjects[i];
}

static uint64_t double_closes(const struct cw_process *process)
{
	return process->double_closes;
}

static uint64_t exhausted(const struct cw_process *process)
{
	return process->exhausted;
}

bool report_has_faults(const struct report *report)
{
	const struct faults *faults = &report->findings->faults;

	return faults->slow || faults->spins || faults->double_closes ||
	       faults->exhausted;
}

static void put_slow_place(void *context, cw_ref ref)
{
	struct walk *walk = context;
	struct report *report = walk->report;
	const struct cw_stats *stats = trace_stats(&report->subject->view, ref);

	if (!stats || !stats->slow || !stats->slow_site || walk->shown == PLACES_SHOWN)
		return;
	walk->shown++;
	report_stack(report, "opened", stats->open_site);
	report_stack(report, "closed", stats->slow_site);
	text_put(report->sink, "\n");
}

static void put_slow(struct report *report)
{
	struct walk walk = walk_of(report);

	text_put(report->sink, "slow-close  ");
	text_count(report->sink, report->findings->faults.slow, "socket");
	text_put(report->sink, report->findings->faults.slow == 1 ? " was" : " were");
	text_put(report->sink, " closed, but only after more than ");
	text_duration(report->sink, report->subject->context.slow_close);
	text_put(report->sink, " in CLOSE_WAIT; the slowest after ");
	text_duration(report->sink, report->findings->faults.slow_max);
	text_put(report->sink, "\n\n");
	each_place(&walk, put_slow_place);
}

static void put_spin_place(void *context, cw_ref ref)
{
	struct walk *walk = context;
	struct report *report = walk->report;
	const struct cw_stats *stats = trace_stats(&report->subject->view, ref);

	if (!stats || !stats->eof_spins || walk->shown == PLACES_SHOWN)
		return;
	walk->shown++;
	report_stack(report, "EOF read", stats->spin_site);
	report_stack(report, "opened", stats->open_site);
	text_put(report->sink, "\n");
}

static void put_spins(struct report *report)
{
	struct walk walk = walk_of(report);

	text_put(report->sink, "eof-spin  EOF was read ");
	text_unsigned(report->sink, CW_EOF_SPIN);
	text_put(report->sink, " times or more on ");
	text_count(report->sink, report->findings->faults.spins, "socket");
	text_put(report->sink, ": a read that returned 0 returns 0 for ever\n\n");
	each_place(&walk, put_spin_place);
}

static void put_double_closes(struct report *report)
{
	text_put(report->sink, "double-close  ");
	text_count(report->sink, report->findings->faults.double_closes, "time");
	text_put(report->sink, " a socket's descriptor was closed that had been closed "
			       "before: with threads, the second close hits whoever got "
			       "the number next\n\n");
	turn_to(report, double_closes);
	report_stack(report, "closed", report->subject->process->double_close_earlier);
	report_stack(report, "and again", report->subject->process->double_close_site);
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
	struct walk walk = walk_of(report);
	const struct cw_process *process;
	uint64_t first;

	turn_to(report, exhausted);
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
	if (faults->spins)
		put_spins(report);
	if (faults->double_closes)
		put_double_closes(report);
	if (faults->exhausted)
		put_exhausted(report);
}
