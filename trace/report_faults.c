/* SPDX-License-Identifier: MIT */
/* Faults that are no single open socket: closed too late, EOF read in a loop, and others. */
#include "report_parts.h"
#include "siblings.h"
#include "text.h"

#define PLACES_SHOWN 3u

struct walk {
	struct report *report;
	uint64_t count; /* sockets that the process holds, where that matters */
	uint32_t shown;
};

static void count_stats(void *context, cw_ref ref)
{
	struct report *report = context;
	const struct cw_stats *stats = trace_stats(report->view, ref);

	if (!stats || !stats->open_site)
		return;
	report->faults.slow += stats->slow;
	report->faults.spins += stats->eof_spins;
	if (stats->dwell_max > report->faults.slow_max)
		report->faults.slow_max = stats->dwell_max;
}

/* A leak that only the exit closed was counted as a late close when that happened. */
static void uncount_slow(void *context, const struct cw_socket *socket)
{
	struct report *report = context;

	if (socket->flags & CW_SOCKET_SLOW && report->faults.slow)
		report->faults.slow--;
}

void report_faults_count(struct report *report)
{
	report->faults = (struct report_faults){
		.double_closes = report->process->double_closes,
		.exhausted = report->process->exhausted,
	};
	groups_each(report->view, report->index, CW_EXTENT_STATS, count_stats, report);
	groups_each_by_exit(&report->groups, uncount_slow, report);
}

bool report_has_faults(const struct report *report)
{
	const struct report_faults *faults = &report->faults;

	return faults->slow || faults->spins || faults->double_closes ||
	       faults->exhausted;
}

static void put_slow_place(void *context, cw_ref ref)
{
	struct walk *walk = context;
	struct report *report = walk->report;
	const struct cw_stats *stats = trace_stats(report->view, ref);

	if (!stats || !stats->slow || !stats->slow_site || walk->shown == PLACES_SHOWN)
		return;
	walk->shown++;
	report_stack(report, "opened", stats->open_site);
	report_stack(report, "closed", stats->slow_site);
	text_put(report->sink, "\n");
}

static void put_slow(struct report *report)
{
	struct walk walk = {.report = report};

	text_put(report->sink, "slow-close  ");
	text_count(report->sink, report->faults.slow, "socket");
	text_put(report->sink, report->faults.slow == 1 ? " was" : " were");
	text_put(report->sink, " closed, but only after more than ");
	text_duration(report->sink, report->context.slow_close);
	text_put(report->sink, " in CLOSE_WAIT; the slowest after ");
	text_duration(report->sink, report->faults.slow_max);
	text_put(report->sink, "\n\n");
	groups_each(report->view, report->index, CW_EXTENT_STATS, put_slow_place, &walk);
}

static void put_spin_place(void *context, cw_ref ref)
{
	struct walk *walk = context;
	struct report *report = walk->report;
	const struct cw_stats *stats = trace_stats(report->view, ref);

	if (!stats || !stats->eof_spins || walk->shown == PLACES_SHOWN)
		return;
	walk->shown++;
	report_stack(report, "EOF read", stats->spin_site);
	report_stack(report, "opened", stats->open_site);
	text_put(report->sink, "\n");
}

static void put_spins(struct report *report)
{
	struct walk walk = {.report = report};

	text_put(report->sink, "eof-spin  EOF was read ");
	text_unsigned(report->sink, CW_EOF_SPIN);
	text_put(report->sink, " times or more on ");
	text_count(report->sink, report->faults.spins, "socket");
	text_put(report->sink, ": a read that returned 0 returns 0 for ever\n\n");
	groups_each(report->view, report->index, CW_EXTENT_STATS, put_spin_place, &walk);
}

static void put_double_closes(struct report *report)
{
	text_put(report->sink, "double-close  ");
	text_count(report->sink, report->faults.double_closes, "time");
	text_put(report->sink, " a socket's descriptor was closed that had been closed "
			       "before: with threads, the second close hits whoever got "
			       "the number next\n\n");
	report_stack(report, "closed", report->process->double_close_earlier);
	report_stack(report, "and again", report->process->double_close_site);
	text_put(report->sink, "\n");
}

/* Places that hold at least a tenth of the process's sockets. */
static void put_holder(void *context, cw_ref ref)
{
	struct walk *walk = context;
	struct report *report = walk->report;
	const struct cw_stats *stats = trace_stats(report->view, ref);
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
	const struct cw_process *process = report->process;
	uint64_t first = process->exhausted_first;
	struct walk walk = {.report = report};

	if (process->opened > process->closed + process->gone)
		walk.count = process->opened - process->closed - process->gone;
	text_put(report->sink, "descriptors-exhausted  accept or socket failed ");
	text_count(report->sink, report->faults.exhausted, "time");
	text_put(report->sink, " (EMFILE or ENFILE)");
	if (first && first <= report->context.moment) {
		text_put(report->sink, ", first ");
		text_duration(report->sink, report->context.moment - first);
		text_put(report->sink,
			 report->context.alive ? " ago" : " before the end");
	}
	text_put(report->sink, "\n");
	groups_each(report->view, report->index, CW_EXTENT_STATS, put_holder, &walk);
	text_put(report->sink, "\n");
}

void report_faults_put(struct report *report)
{
	const struct report_faults *faults = &report->faults;

	if (faults->slow)
		put_slow(report);
	if (faults->spins)
		put_spins(report);
	if (faults->double_closes)
		put_double_closes(report);
	if (faults->exhausted)
		put_exhausted(report);
}
