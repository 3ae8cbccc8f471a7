/* SPDX-License-Identifier: MIT */
/* The text report: which groups are shown, and in which order the parts come. */
#include "report_parts.h"
#include "text.h"

struct report report_on(const struct report *report, const struct subject *subject)
{
	struct report other = *report;

	other.subject = subject;
	return other;
}

/* Idle pools are no finding: one of their groups is shown, unless more is asked for. */
static bool is_shown(const struct report *report, const struct group *group)
{
	return group->leak || report->options->show_open || report->options->all ||
	       group->verdict == VERDICT_UNKNOWN;
}

/* Grouped for the one who counts them, not for the reader. */
static bool is_left_out(const struct report *report, const struct group *group)
{
	return !is_shown(report, group) && group->verdict != VERDICT_IDLE_CLIENT;
}

static void put_unshown(const struct report *report, uint64_t groups, uint64_t sockets)
{
	if (!groups)
		return;
	text_put(report->sink, "and ");
	text_count(report->sink, groups, "more place");
	text_put(report->sink, " with ");
	text_count(report->sink, sockets, "socket");
	report_hint_all(report);
	text_put(report->sink, "\n\n");
}

static void put_idle(const struct report *report, const struct group *group)
{
	struct report own = report_on(report, group->subject);

	text_put(report->sink, verdict_name(group->verdict));
	text_put(report->sink, "  ");
	text_count(report->sink, group->count, "socket");
	text_put(report->sink,
		 " that the peer closed while idle, as pools leave them; not "
		 "leaks.  Opened in ");
	report_path(&own, group->example.open_site);
	text_put(report->sink, "\n\n");
}

static void put_groups(struct report *report)
{
	uint64_t shown = 0, more = 0, sockets = 0;
	struct groups *groups = &report->findings->groups;

	for (uint32_t i = 0; i < groups->run_count; i++) {
		struct group group;

		if (groups->runs[i].mark == RUN_SUPPRESSED ||
		    !groups_describe(groups, i, &group) || is_left_out(report, &group))
			continue;
		if (!report->options->all && shown == REPORT_GROUPS) {
			more++;
			sockets += group.count;
			continue;
		}
		shown++;
		if (is_shown(report, &group))
			report_group(report, &group);
		else
			put_idle(report, &group);
	}
	put_unshown(report, more, sockets);
}

/* "no leaks: 200 opened, 200 closed, 2 processes.  ./server -p 8080" */
static void put_clean(const struct report *report)
{
	struct report_clean sum = report_sum(report);

	text_put(report->sink, "closewait: no leaks: ");
	report_put_clean(&sum, report->sink);
	if (!report->options->nameless) {
		text_put(report->sink, ".  ");
		report_command(report);
	}
	text_put(report->sink, "\n");
}

static bool is_worth_it(const struct report *report, uint64_t found)
{
	return found || report->options->show_open || report->options->all ||
	       (report->findings->subject_count == 1 && !report->options->nameless &&
		!report->options->clean.processes);
}

void report_put(struct findings *findings, const struct report_options *options,
		const struct symbolizer *symbolizer, const struct text_sink *sink)
{
	uint64_t found = findings_count(findings);
	struct report report = {
		.findings = findings,
		.subject = &findings->subjects[findings->first],
		.options = options,
		.symbolizer = symbolizer,
		.sink = sink,
	};

	if (!found && options->only_findings)
		return;
	if (!is_worth_it(&report, found)) {
		put_clean(&report);
		return;
	}
	report_head(&report);
	put_groups(&report);
	report.subject = &findings->subjects[findings->first];
	report_faults_put(&report);
	report_tail(&report);
}

int report_text(const struct report_process *processes, uint32_t count,
		const struct report_options *options, const struct symbolizer *symbolizer,
		const struct text_sink *sink, struct report_result *result)
{
	struct findings findings;
	int error;

	*result = (struct report_result){0};
	error = findings_build(&findings, processes, count, options);
	if (error)
		return error;
	result->leaks = findings.groups.totals.leaks;
	result->findings = findings_count(&findings);
	result->young = findings.groups.totals.young;
	result->undated = findings.groups.totals.undated;
	result->gone = findings.groups.totals.by_verdict[VERDICT_GONE];
	report_put(&findings, options, symbolizer, sink);
	findings_release(&findings);
	return 0;
}

static bool is_reported(const struct cw_process *process)
{
	return process && process->state != CW_PROCESS_NONE &&
	       process->state != CW_PROCESS_UNBORN && process->state != CW_PROCESS_CLEAN;
}

uint32_t report_processes(const struct trace_view *view, struct report_process *processes,
			  uint32_t max)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < view->extent_count; i++) {
		if (!is_reported(trace_process(view, i)))
			continue;
		if (count < max)
			processes[count] =
				(struct report_process){.view = view, .extent = i};
		count++;
	}
	return count;
}

void report_add_clean(struct report_clean *clean, const struct trace_view *view)
{
	clean->processes += view->header->ended;
	clean->opened += view->header->ended_opened;
	clean->closed += view->header->ended_closed;
	clean->young += view->header->ended_young;
	clean->gone += view->header->ended_gone;
}
