/* SPDX-License-Identifier: MIT */
/* The first line: what was found, in which process, and how that ended. */
#include "report_parts.h"
#include "text.h"

struct fault_name {
	const char *name;
	uint64_t count;
};

static void put_faults(const struct report *report)
{
	const struct report_faults *faults = &report->faults;
	const struct fault_name names[] = {
		{"slow-close", faults->slow},
		{"eof-spin", faults->spins},
		{"double-close", faults->double_closes},
		{"descriptors-exhausted", faults->exhausted},
	};
	bool more = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!names[i].count)
			continue;
		text_put(report->sink, more ? ", " : "FAULT: ");
		text_put(report->sink, names[i].name);
		text_put(report->sink, " (");
		text_unsigned(report->sink, names[i].count);
		text_put(report->sink, ")");
		more = true;
	}
}

static void put_counts(const struct report *report)
{
	text_put(report->sink, "no leaks: ");
	text_unsigned(report->sink, report->process->opened);
	text_put(report->sink, " opened, ");
	text_unsigned(report->sink, report->process->closed);
	text_put(report->sink, " closed");
}

static void put_findings(const struct report *report)
{
	uint64_t leaks = report->groups.totals.leaks;
	uint64_t unknown = report->groups.totals.by_verdict[VERDICT_UNKNOWN];

	if (leaks) {
		text_put(report->sink, "LEAK: ");
		text_count(report->sink, leaks, "socket");
		text_put(report->sink, ", ");
		text_count(report->sink, report->places, "place");
	} else if (report_has_faults(report)) {
		put_faults(report);
	} else if (report->context.killed && unknown) {
		text_put(report->sink, "UNKNOWN: ");
		text_count(report->sink, unknown, "socket");
	} else {
		put_counts(report);
	}
}

static void put_command(const struct report *report)
{
	const struct cw_header *header = report->view->header;

	if (header->command[0])
		text_foreign(report->sink, header->command, sizeof(header->command));
	else if (header->executable[0])
		text_foreign(report->sink, header->executable,
			     sizeof(header->executable));
	else
		text_foreign(report->sink, report->process->comm,
			     sizeof(report->process->comm));
}

static void put_identity(const struct report *report)
{
	text_put(report->sink, ", pid ");
	text_unsigned(report->sink, report->process->pid);
	if (!report->process->parent)
		return;
	text_put(report->sink, " (forked from ");
	text_unsigned(report->sink, report->process->ppid);
	text_put(report->sink, ")");
}

uint64_t report_uptime(const struct report *report)
{
	const struct cw_header *header = report->view->header;
	uint64_t started = report->process->started;

	if (!report->process->parent && header->image_started)
		started = header->image_started;
	if (!started || report->context.moment <= started)
		return 0;
	return report->context.moment - started;
}

static void put_uptime(const struct report *report)
{
	uint64_t uptime = report_uptime(report);

	if (!uptime)
		return;
	text_put(report->sink, report->context.killed ? ", up at least " : ", up ");
	text_duration(report->sink, uptime);
}

static void put_status(const struct report *report, const char *call)
{
	text_put(report->sink, "ended by ");
	text_put(report->sink, call);
	text_put(report->sink, "(");
	text_signed(report->sink, report->process->end_value);
	text_put(report->sink, ")");
}

static void put_end(const struct report *report)
{
	if (report->context.alive) {
		text_put(report->sink, "running");
		return;
	}
	if (report->context.killed) {
		text_put(report->sink, "ended without a word: SIGKILL, most likely");
		return;
	}
	switch (report->process->ended_by) {
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
		text_signal(report->sink, report->process->end_value);
		break;
	case CW_END_EXEC:
		text_put(report->sink, "replaced by exec");
		break;
	default:
		text_put(report->sink, "ending");
	}
}

void report_head(const struct report *report)
{
	text_put(report->sink, "closewait: ");
	put_findings(report);
	text_put(report->sink, ".  ");
	put_command(report);
	put_identity(report);
	put_uptime(report);
	text_put(report->sink, ", ");
	put_end(report);
	text_put(report->sink, "\n\n");
}
