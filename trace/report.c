/* SPDX-License-Identifier: MIT */
/* The text report: one section for each process that has something to tell. */
#include "report_parts.h"
#include "text.h"

/* What the sections have not told, for the line at the end. */
struct summary {
	uint64_t sections;
	uint64_t clean; /* processes without findings that got no section */
	uint64_t clean_opened;
	uint64_t clean_closed;
};

static uint64_t count_findings(const struct report *report)
{
	const struct report_faults *faults = &report->faults;
	uint64_t findings = report->groups.totals.leaks + faults->slow + faults->spins +
			    faults->double_closes + (faults->exhausted ? 1 : 0);

	/* Sockets that nobody watched: silence would say that all is well. */
	findings += report->process->lost[CW_LOST_SOCKETS] +
		    report->process->lost[CW_LOST_FDS] +
		    report->process->lost[CW_LOST_PROCESSES];
	if (report->context.killed)
		findings += report->groups.totals.by_verdict[VERDICT_UNKNOWN];
	return findings;
}

static void count_places(struct report *report)
{
	const struct groups *groups = &report->groups;

	for (uint32_t i = 0; i < groups->run_count; i++)
		report->places += groups->items[groups->runs[i].first].leak;
}

/* Idle pools are no finding: one of their groups is shown, unless more is asked for. */
static bool is_shown(const struct report *report, const struct group *group)
{
	return group->leak || report->options->show_open || report->options->all ||
	       group->verdict == VERDICT_UNKNOWN;
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
	text_put(report->sink, verdict_name(group->verdict));
	text_put(report->sink, "  ");
	text_count(report->sink, group->count, "socket");
	text_put(report->sink,
		 " that the peer closed while idle, as pools leave them; not "
		 "leaks.  Opened in ");
	report_path(report, group->example.open_site);
	text_put(report->sink, "\n\n");
}

static void put_groups(struct report *report)
{
	uint64_t shown = 0, groups = 0, sockets = 0;

	for (uint32_t i = 0; i < report->groups.run_count; i++) {
		struct group group;

		if (!groups_describe(&report->groups, i, &group))
			continue;
		if (!report->options->all && shown == REPORT_GROUPS) {
			groups++;
			sockets += group.count;
			continue;
		}
		shown++;
		if (is_shown(report, &group))
			report_group(report, &group);
		else
			put_idle(report, &group);
	}
	put_unshown(report, groups, sockets);
}

static void put_section(struct report *report, uint64_t sections)
{
	if (sections)
		text_put(report->sink, "\n");
	report_head(report);
	put_groups(report);
	report_faults_put(report);
	report_tail(report);
}

static struct verdict_context context_of(const struct trace_view *view,
					 const struct report_options *options,
					 const struct cw_process *process)
{
	bool alive = options->alive;
	bool killed = options->killed;
	struct verdict_context context;

	if (options->life) {
		enum report_life life = options->life(options->life_context, process);

		alive = life == REPORT_LIFE_ALIVE;
		killed = life == REPORT_LIFE_KILLED;
	}
	context = verdict_context_of(view, process, options->now, alive, killed);
	if (options->grace)
		context.grace = options->grace;
	if (options->slow_close)
		context.slow_close = options->slow_close;
	return context;
}

/* The kernel's newest word is of those that live: a socket of a dead process may still be
 * open in another, which says nothing of who forgot it. */
static struct trace_view view_of(const struct report *report)
{
	struct trace_view view = *report->view;

	if (!report->context.alive)
		view.look = NULL;
	return view;
}

static bool wants_section(const struct report *report, uint64_t findings, bool single)
{
	if (findings)
		return true;
	return !report->options->only_findings &&
	       (single || report->options->show_open || report->options->all);
}

/* Judges one process and puts its section, or counts it into the summary. */
static int report_process(struct report *report, bool single, struct summary *summary,
			  struct report_result *result)
{
	const struct report_options *options = report->options;
	struct trace_view view;
	uint64_t findings;
	int error;

	report->context = context_of(report->view, options, report->process);
	view = view_of(report);
	report->view = &view;
	error = groups_build(&report->groups, report->view, report->index,
			     &report->context, options->show_open || options->all);
	if (error)
		return error;
	report_faults_count(report);
	count_places(report);
	findings = count_findings(report);
	result->leaks += report->groups.totals.leaks;
	result->findings += findings;
	if (wants_section(report, findings, single)) {
		put_section(report, summary->sections++);
	} else {
		summary->clean++;
		summary->clean_opened += report->process->opened;
		summary->clean_closed += report->process->closed;
	}
	groups_release(&report->groups);
	return 0;
}

static bool is_reported(const struct trace_view *view,
			const struct report_options *options, uint32_t index)
{
	const struct cw_process *process = trace_process(view, index);

	return process && process->state != CW_PROCESS_NONE &&
	       process->state != CW_PROCESS_UNBORN &&
	       (!options->process || options->process == index);
}

static uint32_t count_processes(const struct trace_view *view,
				const struct report_options *options)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < view->extent_count; i++)
		count += is_reported(view, options, i);
	return count;
}

static void put_processes(const struct text_sink *sink, uint64_t count)
{
	text_unsigned(sink, count);
	text_put(sink, count == 1 ? " process" : " processes");
}

static void put_clean(const struct text_sink *sink, const struct summary *summary)
{
	text_unsigned(sink, summary->clean_opened);
	text_put(sink, " opened, ");
	text_unsigned(sink, summary->clean_closed);
	text_put(sink, " closed");
}

/* Processes without a section: those here, and those that have given back their books. */
static void put_summary(const struct trace_view *view,
			const struct report_options *options,
			const struct text_sink *sink, struct summary *summary)
{
	const struct cw_header *header = view->header;

	if (!options->process) {
		summary->clean += header->ended;
		summary->clean_opened += header->ended_opened;
		summary->clean_closed += header->ended_closed;
	}
	if (options->only_findings || !summary->clean)
		return;
	if (summary->sections) {
		text_put(sink, "\nno leaks in the other ");
		put_processes(sink, summary->clean);
		text_put(sink, ": ");
		put_clean(sink, summary);
		text_put(sink, "\n");
		return;
	}
	text_put(sink, "closewait: no leaks: ");
	put_clean(sink, summary);
	text_put(sink, ", ");
	put_processes(sink, summary->clean);
	text_put(sink, ".  ");
	text_foreign(sink, header->command, sizeof(header->command));
	text_put(sink, "\n");
}

int report_text(const struct trace_view *view, const struct report_options *options,
		const struct symbolizer *symbolizer, const struct text_sink *sink,
		struct report_result *result)
{
	struct summary summary = {0};
	bool single = count_processes(view, options) == 1 && !view->header->ended;
	int error = 0;

	*result = (struct report_result){0};
	for (uint32_t i = 0; i < view->extent_count && !error; i++) {
		struct report report = {
			.view = view,
			.options = options,
			.symbolizer = symbolizer,
			.sink = sink,
			.index = i,
		};

		if (!is_reported(view, options, i))
			continue;
		report.process = trace_process(view, i);
		error = report_process(&report, single, &summary, result);
	}
	if (!error)
		put_summary(view, options, sink, &summary);
	return error;
}
