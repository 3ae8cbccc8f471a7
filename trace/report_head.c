/* SPDX-License-Identifier: MIT */
/* The first line: what was found, in which process, and how that ended. */
#include "report_parts.h"
#include "text.h"

#define PROCESSES_SHOWN 8u

static void put_faults(const struct report *report)
{
	const struct faults *faults = &report->findings->faults;
	const uint64_t counts[FAULT_KINDS] = {
		[FAULT_SLOW_CLOSE] = faults->slow,
		[FAULT_CLOSED_BY_GC] = faults->collected,
		[FAULT_EOF_SPIN] = faults->spins,
		[FAULT_DOUBLE_CLOSE] = faults->double_closes,
		[FAULT_EXHAUSTED] = faults->exhausted,
	};
	bool more = false;

	for (unsigned i = 0; i < FAULT_KINDS; i++) {
		if (!counts[i])
			continue;
		text_put(report->sink, more ? ", " : "FAULT: ");
		text_put(report->sink, fault_name((enum fault_kind)i));
		text_put(report->sink, " (");
		text_unsigned(report->sink, counts[i]);
		text_put(report->sink, ")");
		more = true;
	}
}

static void put_counts(const struct report *report)
{
	struct report_clean sum = report_sum(report);

	text_put(report->sink, "no leaks: ");
	report_put_clean(&sum, report->sink);
}

static bool any_killed(const struct report *report)
{
	for (uint32_t i = 0; i < report->findings->subject_count; i++)
		if (report->findings->subjects[i].context.killed)
			return true;
	return false;
}

static void put_findings(const struct report *report)
{
	uint64_t leaks = report->findings->groups.totals.leaks;
	uint64_t unknown = report->findings->groups.totals.by_verdict[VERDICT_UNKNOWN];

	if (leaks) {
		text_put(report->sink, "LEAK: ");
		text_count(report->sink, leaks, "socket");
		text_put(report->sink, ", ");
		text_count(report->sink, report->findings->places, "place");
	} else if (report_has_faults(report)) {
		put_faults(report);
	} else if (unknown && any_killed(report)) {
		text_put(report->sink, "UNKNOWN: ");
		text_count(report->sink, unknown, "socket");
	} else {
		put_counts(report);
	}
}

void report_command(const struct report *report)
{
	const struct cw_header *header = report->subject->view.header;

	if (header->command[0])
		text_foreign(report->sink, header->command, sizeof(header->command));
	else if (header->executable[0])
		text_foreign(report->sink, header->executable,
			     sizeof(header->executable));
	else
		text_foreign(report->sink, report->subject->process->comm,
			     sizeof(report->subject->process->comm));
}

uint64_t report_uptime(const struct report *report)
{
	const struct cw_header *header = report->subject->view.header;
	uint64_t started = report->subject->process->started;

	if (!report->subject->process->parent && header->image_started)
		started = header->image_started;
	if (!started || report->subject->context.moment <= started)
		return 0;
	return report->subject->context.moment - started;
}

static void put_uptime(const struct report *report)
{
	uint64_t uptime = report_uptime(report);

	if (!uptime)
		return;
	text_put(report->sink,
		 report->subject->context.killed && !report->subject->context.dated
			 ? ", up at least "
			 : ", up ");
	text_duration(report->sink, uptime);
}

static void put_status(const struct report *report, const char *call)
{
	text_put(report->sink, "ended by ");
	text_put(report->sink, call);
	text_put(report->sink, "(");
	text_signed(report->sink, report->subject->process->end_value);
	text_put(report->sink, ")");
}

void report_end(const struct report *report)
{
	if (report->subject->context.alive) {
		text_put(report->sink, "running");
		return;
	}
	if (report->subject->context.killed && report->subject->killed_by) {
		text_put(report->sink, "ended by ");
		text_signal(report->sink, report->subject->killed_by);
		return;
	}
	if (report->subject->context.killed) {
		text_put(report->sink, "ended without a word: SIGKILL, most likely");
		return;
	}
	switch (report->subject->process->ended_by) {
	case CW_END_EXIT:
		put_status(report, "exit");
		break;
	case CW_END__EXIT:
		put_status(report, "_exit");
		break;
	case CW_END_QUICK:
		put_status(report, "quick_exit");
		break;
	case CW_END_SIGNAL:
		text_put(report->sink, "ended by ");
		text_signal(report->sink, report->subject->process->end_value);
		break;
	case CW_END_EXEC:
		text_put(report->sink, "replaced by exec");
		break;
	default:
		text_put(report->sink, "ending");
	}
}

static void put_process(const struct report *report)
{
	text_put(report->sink, "pid ");
	text_unsigned(report->sink, report->subject->process->pid);
	if (report->subject->process->parent) {
		text_put(report->sink, " (forked from ");
		text_unsigned(report->sink, report->subject->process->ppid);
		text_put(report->sink, ")");
	}
	put_uptime(report);
	text_put(report->sink, ", ");
	report_end(report);
}

/* One line for each process that has something to tell. */
static void put_speaking(const struct report *report)
{
	const struct findings *findings = report->findings;
	uint32_t put = 0;

	for (uint32_t i = 0; i < findings->subject_count; i++) {
		struct report own = report_on(report, &findings->subjects[i]);

		if (!findings_speaks(findings, own.subject))
			continue;
		if (put++ == PROCESSES_SHOWN && !report->options->all)
			break;
		text_put(report->sink, "  ");
		put_process(&own);
		if (own.subject->leaks) {
			text_put(report->sink, ": ");
			text_count(report->sink, own.subject->leaks, "leak");
		}
		text_put(report->sink, "\n");
	}
	if (put > PROCESSES_SHOWN && !report->options->all) {
		text_put(report->sink, "  and ");
		text_unsigned(report->sink, findings->speaking - PROCESSES_SHOWN);
		text_put(report->sink, " more");
		report_hint_all(report);
		text_put(report->sink, "\n");
	}
}

void report_head(const struct report *report)
{
	const struct findings *findings = report->findings;

	text_put(report->sink, "closewait: ");
	put_findings(report);
	text_put(report->sink, ".  ");
	report_command(report);
	text_put(report->sink, ", ");
	if (findings->speaking > 1) {
		text_unsigned(report->sink, findings->speaking);
		text_put(report->sink, " of ");
		text_unsigned(report->sink,
			      findings->subject_count + report->options->clean.processes);
		text_put(report->sink, " processes\n");
		put_speaking(report);
		text_put(report->sink, "\n");
		return;
	}
	put_process(report);
	text_put(report->sink, "\n\n");
}
