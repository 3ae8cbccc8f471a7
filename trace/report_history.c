/* SPDX-License-Identifier: MIT */
/* The way that a socket took through other processes before it was left. */
#include "report_parts.h"
#include "text.h"

#define STEPS_SHOWN 6u

/* What put_stacks() tells already: how it came to the process that the group is told of. Of what
 * that one inherited its ancestor's stack is told. */
static bool is_told(const struct report *report, const struct group *group,
		    const struct history_step *step)
{
	if (group->example.origin == CW_ORIGIN_INHERITED && step->what == HISTORY_OPENED)
		return true;
	return step->extent == report->subject->extent &&
	       step->view->bytes == report->subject->view.bytes &&
	       step->what == (uint32_t)history_origin(group->example.origin);
}

/* "  in pid 4711 before exec, ./dispatcher:" */
static void put_process(const struct report *report, const struct subject *other)
{
	struct report own = report_on(report, other);
	const struct cw_process *process = other->process;

	text_put(report->sink, "  in pid ");
	text_unsigned(report->sink, process->pid);
	if (trace_same_pid(process, report->subject->process))
		text_put(report->sink,
			 process->started > report->subject->process->started
				 ? " after exec"
				 : " before exec");
	else if (process->ended_by == CW_END_EXEC)
		text_put(report->sink, " before exec");
	if (other->view.bytes != report->subject->view.bytes) {
		text_put(report->sink, ", ");
		report_command(&own);
	}
	text_put(report->sink, ":\n");
}

static void put_step(const struct report *report, const struct history_step *step,
		     const struct subject *other)
{
	struct report own = report_on(report, other);
	const char *word = history_word((enum history_what)step->what);

	if (step->what == HISTORY_FOUND && !step->site)
		report_found(&own);
	else
		report_stack(&own, word, step->site);
}

void report_found(const struct report *report)
{
	report_label(report, history_word(HISTORY_FOUND));
	text_put(report->sink, "when the program began\n");
}

static bool same_process(const struct history_step *a, const struct history_step *b)
{
	return a && a->view == b->view && a->extent == b->extent;
}

void report_history(const struct report *report, const struct group *group)
{
	const struct histories *history = &report->findings->history;
	const struct history_step *before = NULL;
	uint32_t first;
	uint32_t count = history_of(history, group->example.cookie, &first);
	uint32_t shown = 0, more = 0;

	for (uint32_t i = first; i < first + count; i++) {
		const struct history_step *step = &history->steps[i];
		struct subject other;

		if (is_told(report, group, step) || !history_subject(step, &other))
			continue;
		if (shown == STEPS_SHOWN && !report->options->all) {
			more++;
			continue;
		}
		if (!same_process(before, step) &&
		    (other.extent != report->subject->extent ||
		     other.view.bytes != report->subject->view.bytes))
			put_process(report, &other);
		put_step(report, step, &other);
		before = step;
		shown++;
	}
	if (!more)
		return;
	text_put(report->sink, "  and ");
	text_count(report->sink, more, "more step");
	report_hint_all(report);
	text_put(report->sink, "\n");
}
