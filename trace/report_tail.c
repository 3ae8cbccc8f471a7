/* SPDX-License-Identifier: MIT */
/* The last lines: every socket accounted for, what was not seen, how to see more. */
#include <limits.h>

#include "report_parts.h"
#include "text.h"

/* "150 closed, 50 leaked": each part behind the first brings its comma. */
static void put_part(const struct report *report, uint64_t count, const char *words)
{
	if (!count)
		return;
	text_put(report->sink, ", ");
	text_unsigned(report->sink, count);
	text_put(report->sink, " ");
	text_put(report->sink, words);
}

struct report_clean report_sum(const struct report *report)
{
	const struct findings *findings = report->findings;
	struct report_clean sum = report->options->clean;

	sum.processes += findings->subject_count;
	for (uint32_t i = 0; i < findings->subject_count; i++) {
		sum.opened += findings->subjects[i].process->opened;
		sum.closed += findings->subjects[i].process->closed;
		sum.gone += findings->subjects[i].process->gone;
	}
	sum.gone += findings->groups.totals.by_verdict[VERDICT_GONE];
	sum.young += findings->groups.totals.young;
	return sum;
}

void report_put_clean(const struct report_clean *clean, const struct text_sink *sink)
{
	text_unsigned(sink, clean->opened);
	text_put(sink, " opened, ");
	text_unsigned(sink, clean->closed);
	text_put(sink, " closed, ");
	if (clean->gone) {
		text_unsigned(sink, clean->gone);
		text_put(sink, " gone out of our sight, ");
	}
	text_unsigned(sink, clean->processes);
	text_put(sink, clean->processes == 1 ? " process" : " processes");
	if (!clean->young)
		return;
	text_put(sink, "; ");
	text_unsigned(sink, clean->young);
	text_put(sink,
		 " not judged: left by the peer just before the end, perhaps (--grace)");
}

static void put_sockets(const struct report *report)
{
	const struct group_totals *totals = &report->findings->groups.totals;
	struct report_clean sum = report_sum(report);
	uint64_t by_exit = totals->leaked_by_exit;
	uint64_t closed = sum.closed > by_exit ? sum.closed - by_exit : 0;
	uint64_t open = totals->by_verdict[VERDICT_OPEN] - totals->listening;

	text_count(report->sink, sum.opened, "socket");
	text_put(report->sink, " opened");
	if (sum.processes > 1) {
		text_put(report->sink, " in ");
		text_unsigned(report->sink, sum.processes);
		text_put(report->sink, " processes");
	}
	text_put(report->sink, ": ");
	text_unsigned(report->sink, closed);
	text_put(report->sink, " closed");
	put_part(report, totals->leaks, "leaked");
	put_part(report, totals->suppressed, "suppressed");
	put_part(report, totals->by_verdict[VERDICT_UNKNOWN], "unknown");
	put_part(report, totals->listening, "listening");
	put_part(report, open, "open");
	put_part(report, totals->by_verdict[VERDICT_HALF_CLOSED], "half-closed");
	put_part(report, totals->by_verdict[VERDICT_IDLE_CLIENT], "idle in a pool");
	put_part(report, sum.gone, "gone out of our sight");
	text_put(report->sink, ".");
	if (sum.young) {
		text_put(report->sink, "  ");
		text_unsigned(report->sink, sum.young);
		text_put(report->sink, " not judged: left by the peer for less than ");
		text_duration(report->sink, report->subject->context.grace);
		text_put(report->sink, totals->undated ? ", perhaps." : ".");
	}
}

static void put_descriptors(const struct report *report)
{
	const struct cw_process *process = report->subject->process;

	if (!process->fds_open || report->findings->speaking > 1)
		return;
	text_put(report->sink, "  ");
	text_unsigned(report->sink, process->fds_open);
	if (process->fd_limit) {
		text_put(report->sink, " of ");
		text_unsigned(report->sink, process->fd_limit);
	}
	text_put(report->sink, " descriptors.");
}

static void put_sample_age(const struct report *report)
{
	const struct subject *subject = report->subject;

	text_put(report->sink, "Kernel state last read ");
	if (subject->context.dated) {
		text_duration(report->sink,
			      subject->context.moment > subject->view.sampled
				      ? subject->context.moment - subject->view.sampled
				      : 0);
		text_put(report->sink, " before the end");
	} else {
		text_put(report->sink, "while it lived");
	}
}

static void put_kernel_age(const struct report *report)
{
	uint64_t looked = report->subject->process->looked;

	if (!looked && !report->subject->view.look) {
		put_sample_age(report);
		return;
	}
	text_put(report->sink, "Kernel state read ");
	if (report->subject->view.look) {
		text_put(report->sink, "now");
	} else if (report->subject->context.moment > looked + 1000000000ull) {
		text_duration(report->sink, report->subject->context.moment - looked);
		text_put(report->sink, " earlier");
	} else if (report->subject->process->ended_by == CW_END_SIGNAL) {
		text_put(report->sink, "at ");
		text_signal(report->sink, report->subject->process->end_value);
	} else {
		text_put(report->sink, "at exit");
	}
}

static const char *const losses[CW_LOST_KINDS] = {
	[CW_LOST_SOCKETS] = "sockets without a record: no room",
	[CW_LOST_FDS] = "descriptors with a number beyond the table",
	[CW_LOST_STACKS] = "stacks that could not be captured",
	[CW_LOST_SHORT_STACKS] = "stacks of which only the caller is known",
	[CW_LOST_SITES] = "stacks captured but not kept: no room",
	[CW_LOST_STATS] = "places without counters: no room",
	[CW_LOST_LATE_CLOSES] = "late closes beyond those that are remembered",
	[CW_LOST_PROCESSES] = "forked children not traced, or given up: no room",
	[CW_LOST_LOOKS] = "sockets whose kernel state was not kept: no room",
	[CW_LOST_WATCHES] = "sockets given to epoll that were not kept: no room",
};

static uint64_t lost(const struct report *report, int kind)
{
	const struct findings *findings = report->findings;
	uint64_t count = 0;

	for (uint32_t i = 0; i < findings->subject_count; i++)
		count += findings->subjects[i].process->lost[kind];
	return count;
}

static bool any_truncated(const struct report *report)
{
	for (uint32_t i = 0; i < report->findings->subject_count; i++)
		if (trace_view_truncated(&report->findings->subjects[i].view))
			return true;
	return false;
}

static bool anything_lost(const struct report *report)
{
	for (int i = 0; i < CW_LOST_KINDS; i++)
		if (lost(report, i))
			return true;
	return any_truncated(report);
}

static void put_losses(const struct report *report)
{
	for (int i = 0; i < CW_LOST_KINDS; i++) {
		uint64_t count = lost(report, i);

		if (!count)
			continue;
		text_put(report->sink, "lost: ");
		text_unsigned(report->sink, count);
		text_put(report->sink, " ");
		text_put(report->sink, losses[i]);
		text_put(report->sink, "\n");
	}
	if (any_truncated(report))
		text_put(report->sink, "lost: the end of the trace: the file is shorter "
				       "than its header says\n");
}

static bool is_asked(const struct subject *subject)
{
	return subject->view.look || subject->process->looked || subject->view.sampled;
}

static void put_kernel(const struct report *report)
{
	const struct findings *findings = report->findings;
	uint32_t asked = 0;

	for (uint32_t i = 0; i < findings->subject_count; i++)
		asked += is_asked(&findings->subjects[i]);
	text_put(report->sink, "  ");
	if (findings->speaking > 1 && asked == findings->subject_count) {
		text_put(report->sink, "Kernel state read of each");
	} else if (findings->speaking > 1 && asked) {
		text_put(report->sink, "The kernel was asked of ");
		text_unsigned(report->sink, asked);
		text_put(report->sink, " of them");
	} else if (is_asked(report->subject)) {
		put_kernel_age(report);
	} else {
		text_put(report->sink, "The kernel was not asked");
	}
	text_put(report->sink, anything_lost(report) ? ".\n" : "; nothing lost.\n");
}

/* How the stacks were come by: differences would mean that the recognition is wrong. */
static void put_stacks(const struct report *report)
{
	const struct findings *findings = report->findings;
	uint64_t unwound = 0, audited = 0, different = 0;

	for (uint32_t i = 0; i < findings->subject_count; i++) {
		unwound += findings->subjects[i].process->unwound;
		audited += findings->subjects[i].process->audited;
		different += findings->subjects[i].process->audit_differences;
	}
	if (!report->options->all && !different)
		return;
	text_put(report->sink, "stacks: ");
	text_unsigned(report->sink, unwound);
	text_put(report->sink, " unwound, ");
	text_unsigned(report->sink, audited);
	text_put(report->sink, " comparisons, ");
	text_unsigned(report->sink, different);
	text_put(report->sink, " different\n");
}

/* Each line of the trace's own notes. */
static void put_notes_of_trace(const struct report *report)
{
	const char *notes = report->subject->view.header->notes;
	size_t room = sizeof(report->subject->view.header->notes);

	for (size_t i = 0; i < room && notes[i];) {
		size_t size = 0;

		while (i + size < room && notes[i + size] && notes[i + size] != '\n')
			size++;
		if (size) {
			text_put(report->sink, "note: ");
			text_foreign(report->sink, notes + i, size);
			text_put(report->sink, "\n");
		}
		i += size + (i + size < room && notes[i + size] == '\n');
	}
}

/* Once for each trace: its processes follow each other. */
static void put_notes(const struct report *report)
{
	const struct findings *findings = report->findings;
	const struct cw_header *last = NULL;

	for (uint32_t i = 0; i < findings->subject_count; i++) {
		struct report own = report_on(report, &findings->subjects[i]);

		if (own.subject->view.header != last)
			put_notes_of_trace(&own);
		last = own.subject->view.header;
	}
}

static void put_hint(const struct report *report)
{
	if (report->options->command || !report->options->trace_path)
		return;
	text_put(report->sink, "more: closewait report ");
	text_foreign(report->sink, report->options->trace_path, PATH_MAX);
	text_put(report->sink, "\n");
}

void report_tail(const struct report *report)
{
	put_sockets(report);
	put_descriptors(report);
	put_kernel(report);
	put_losses(report);
	put_stacks(report);
	put_notes(report);
	put_hint(report);
}
