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

static void put_sockets(const struct report *report)
{
	const struct group_totals *totals = &report->groups.totals;
	const struct cw_process *process = report->process;
	uint64_t by_exit = totals->leaked_by_exit;
	uint64_t closed = process->closed > by_exit ? process->closed - by_exit : 0;
	uint64_t open = totals->by_verdict[VERDICT_OPEN] - totals->listening;

	text_count(report->sink, process->opened, "socket");
	text_put(report->sink, " opened: ");
	text_unsigned(report->sink, closed);
	text_put(report->sink, " closed");
	put_part(report, totals->leaks, "leaked");
	put_part(report, totals->by_verdict[VERDICT_UNKNOWN], "unknown");
	put_part(report, totals->listening, "listening");
	put_part(report, open, "open");
	put_part(report, totals->by_verdict[VERDICT_HALF_CLOSED], "half-closed");
	put_part(report, totals->by_verdict[VERDICT_IDLE_CLIENT], "idle in a pool");
	put_part(report, process->gone + totals->by_verdict[VERDICT_GONE],
		 "gone out of our sight");
	text_put(report->sink, ".");
	if (totals->young) {
		text_put(report->sink, "  ");
		text_unsigned(report->sink, totals->young);
		text_put(report->sink, " not judged: left by the peer for less than ");
		text_duration(report->sink, report->context.grace);
		text_put(report->sink, ".");
	}
}

static void put_descriptors(const struct report *report)
{
	const struct cw_process *process = report->process;

	if (!process->fds_open)
		return;
	text_put(report->sink, "  ");
	text_unsigned(report->sink, process->fds_open);
	if (process->fd_limit) {
		text_put(report->sink, " of ");
		text_unsigned(report->sink, process->fd_limit);
	}
	text_put(report->sink, " descriptors.");
}

static void put_kernel_age(const struct report *report)
{
	uint64_t looked = report->process->looked;

	text_put(report->sink, "Kernel state read ");
	if (report->view->look) {
		text_put(report->sink, "now");
	} else if (report->context.moment > looked + 1000000000ull) {
		text_duration(report->sink, report->context.moment - looked);
		text_put(report->sink, " earlier");
	} else if (report->process->ended_by == CW_END_SIGNAL) {
		text_put(report->sink, "at ");
		text_signal(report->sink, report->process->end_value);
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
	[CW_LOST_PROCESSES] = "forked children that were not traced: no room",
	[CW_LOST_LOOKS] = "sockets whose kernel state was not kept: no room",
};

static bool anything_lost(const struct report *report)
{
	for (int i = 0; i < CW_LOST_KINDS; i++)
		if (report->process->lost[i])
			return true;
	return trace_view_truncated(report->view);
}

static void put_losses(const struct report *report)
{
	for (int i = 0; i < CW_LOST_KINDS; i++) {
		if (!report->process->lost[i])
			continue;
		text_put(report->sink, "lost: ");
		text_unsigned(report->sink, report->process->lost[i]);
		text_put(report->sink, " ");
		text_put(report->sink, losses[i]);
		text_put(report->sink, "\n");
	}
	if (trace_view_truncated(report->view))
		text_put(report->sink, "lost: the end of the trace: the file is shorter "
				       "than its header says\n");
}

static void put_kernel(const struct report *report)
{
	text_put(report->sink, "  ");
	if (report->view->look || report->process->looked)
		put_kernel_age(report);
	else
		text_put(report->sink, "The kernel was not asked");
	text_put(report->sink, anything_lost(report) ? ".\n" : "; nothing lost.\n");
}

/* How the stacks were come by: differences would mean that the recognition is wrong. */
static void put_stacks(const struct report *report)
{
	const struct cw_process *process = report->process;

	if (!report->options->all && !process->audit_differences)
		return;
	text_put(report->sink, "stacks: ");
	text_unsigned(report->sink, process->unwound);
	text_put(report->sink, " unwound; of the recognised ones ");
	text_unsigned(report->sink, process->audited);
	text_put(report->sink, " unwound to compare, ");
	text_unsigned(report->sink, process->audit_differences);
	text_put(report->sink, " different\n");
}

/* Each line of the trace's own notes. */
static void put_notes(const struct report *report)
{
	const char *notes = report->view->header->notes;
	size_t room = sizeof(report->view->header->notes);

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
