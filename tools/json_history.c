/* SPDX-License-Identifier: MIT */
/* What each process of the session knows of one socket. */
#include "json_parts.h"

#define STEPS_SHOWN 20u

static const char *step_name(uint32_t what)
{
	switch ((enum history_what)what) {
	case HISTORY_RECEIVED:
		return "received";
	case HISTORY_FOUND:
		return "adopted";
	case HISTORY_PASSED_ON:
		return "passed-on";
	default:
		return "opened";
	}
}

static json_t *step_json(const struct json_report *report,
			 const struct history_step *step)
{
	struct subject subject;

	if (!history_subject(step, &subject))
		return NULL;
	return json_pack("{s:o, s:s, s:o, s:b, s:o}", "pid", json_integer(step->pid),
			 "event", step_name(step->what), "stack",
			 json_stack(report, &subject, step->site), "before_exec",
			 subject.process->ended_by == CW_END_EXEC, "command",
			 json_foreign(subject.view.header->command,
				      sizeof(subject.view.header->command)));
}

/* One step alone is the group's own beginning, which its stacks tell. */
json_t *json_history(const struct json_report *report, const struct group *group)
{
	const struct histories *history = &report->request->findings->history;
	json_t *list = json_array();
	uint32_t first;
	uint32_t count = history_of(history, group->example.cookie, &first);

	if (!report->request->options->all && count > STEPS_SHOWN)
		count = STEPS_SHOWN;
	for (uint32_t i = first; count > 1 && i < first + count; i++)
		json_add(&list, step_json(report, &history->steps[i]));
	return list;
}
