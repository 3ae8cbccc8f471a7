/* SPDX-License-Identifier: MIT */
/* How the group's siblings were closed: what the leaked ones did not reach. */
#include "group_words.h"
#include "report_parts.h"
#include "siblings.h"
#include "text.h"

#define CLOSERS_SHOWN 4u

/* Bounds are rounded up to what text_duration() shows: that cuts. */
static uint64_t round_up(uint64_t ns)
{
	uint64_t step = 1000000000;

	if (ns < 100000)
		step = 1000;
	else if (ns < 10000000)
		step = 100000;
	else if (ns < 1000000000)
		step = 1000000;
	else if (ns < 10000000000)
		step = 100000000;
	return (ns + step - 1) / step * step;
}

bool report_dwell(const struct report *report, const char *lead,
		  const _Atomic uint32_t dwell[CW_DWELL_BUCKETS], uint64_t max)
{
	uint64_t p50 = round_up(dwell_within(dwell, max, 50));
	uint64_t p99 = round_up(dwell_within(dwell, max, 99));

	if (!p50)
		return false;
	text_put(report->sink, lead);
	text_put(report->sink, "dwell p50 within ");
	text_duration(report->sink, p50);
	text_put(report->sink, ", p99 within ");
	text_duration(report->sink, p99);
	text_put(report->sink, ", max ");
	text_duration(report->sink, round_up(max));
	return true;
}

static void put_closers(const struct report *report, const struct siblings *siblings)
{
	uint32_t limit = report->options->all ? SIBLING_CLOSERS : CLOSERS_SHOWN;
	uint64_t more = siblings->closers_more;
	struct report other;

	for (uint32_t i = 0; i < siblings->closer_count; i++) {
		const struct sibling_closer *closer = &siblings->closers[i];

		if (i >= limit) {
			more += closer->count;
			continue;
		}
		other = report_on(report, &report->findings->subjects[closer->subject]);
		text_unsigned_wide(report->sink, closer->count, 8);
		text_put(report->sink, "  ");
		report_path(&other, closer->site);
		text_put(report->sink, "\n");
	}
	if (!more)
		return;
	text_unsigned_wide(report->sink, more, 8);
	text_put(report->sink, "  at other places");
	if (siblings->closer_count > limit)
		report_hint_all(report);
	text_put(report->sink, "\n");
}

/* The dwell of what only the exit closed was counted with the others': then none is told. */
static void put_siblings(const struct report *report, const struct siblings *siblings)
{
	text_put(report->sink, "  of ");
	text_unsigned(report->sink, siblings->opened);
	text_put(report->sink, " opened here, ");
	text_unsigned(report->sink, siblings->closed);
	text_put(report->sink, siblings->closed == 1 ? " was closed" : " were closed");
	if (!report->findings->groups.totals.leaked_by_exit)
		report_dwell(report, ", ", siblings->dwell, siblings->dwell_max);
	text_put(report->sink, siblings->closer_count ? ":\n" : "\n");
	put_closers(report, siblings);
}

static void put_help(const struct report *report, const struct group *group)
{
	text_put(report->sink, "  help: ");
	text_put(report->sink, group_words_help(group));
	text_put(report->sink, "\n");
}

/* The path that was missed lies between where EOF was read and where the others close. */
static void put_missing_path(const struct report *report, const struct group *group,
			     const struct siblings *siblings)
{
	struct report other;

	text_put(report->sink, "  help: ");
	text_put(report->sink, group->count == 1 ? "this one" : "these ");
	if (group->count != 1)
		text_unsigned(report->sink, group->count);
	text_put(report->sink, " reached none of them; look for a path after ");
	report_place(report, group->example.eof_site);
	text_put(report->sink, " that skips ");
	other = report_on(report,
			  &report->findings->subjects[siblings->closers[0].subject]);
	report_function(&other, siblings->closers[0].site);
	text_put(report->sink, "\n");
}

void report_closers(struct report *report, const struct group *group)
{
	struct siblings siblings;

	siblings_of(&report->findings->groups, group->subject, group->example.open_site,
		    &siblings);
	if (siblings.closed)
		put_siblings(report, &siblings);
	if (group->verdict == VERDICT_EOF_IGNORED && siblings.closer_count &&
	    group->example.eof_site && !group->by_exit && !group->passed_on &&
	    !group->heirs_closed &&
	    !stack_is_python(&report->subject->view, group->example.open_site))
		put_missing_path(report, group, &siblings);
	else
		put_help(report, group);
	text_put(report->sink, "\n");
}
