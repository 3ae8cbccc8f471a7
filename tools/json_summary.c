/* SPDX-License-Identifier: MIT */
/* What became of all sockets, in numbers. */
#include "json_parts.h"

#define VERDICTS_TOLD VERDICT_CLOSED /* those before it are a report's */

/* Sockets, by what is said of them. */
struct sum {
	struct report_clean all;
	uint64_t by_verdict[VERDICTS_TOLD];
	uint64_t suppressed;
	uint64_t known;
};

static void add_run(struct sum *sum, const struct groups *groups,
		    const struct group_run *run)
{
	const struct group_item *item = &groups->items[run->first];

	if (run->mark == RUN_SUPPRESSED) {
		sum->suppressed += run->count;
		return;
	}
	if (!item->leak)
		return;
	sum->by_verdict[item->verdict] += run->count;
	sum->known += run->mark == RUN_KNOWN ? run->count : 0;
}

/* The totals have all that is no leak, the groups what is one. */
static void add_groups(struct sum *sum, const struct groups *groups)
{
	uint64_t by_exit = groups->totals.leaked_by_exit;

	for (uint32_t i = 0; i < groups->subject_count; i++) {
		const struct cw_process *process = groups->subjects[i].process;

		sum->all.opened += process->opened;
		sum->all.closed += process->closed;
		sum->all.gone += process->gone;
	}
	sum->all.closed -= by_exit < sum->all.closed ? by_exit : sum->all.closed;
	sum->all.gone += groups->totals.by_verdict[VERDICT_GONE];
	for (int i = 0; i < VERDICTS_TOLD; i++)
		sum->by_verdict[i] += groups->totals.by_verdict[i];
	for (uint32_t i = 0; i < groups->run_count; i++)
		add_run(sum, groups, &groups->runs[i]);
}

static uint64_t lost(const struct groups *groups, int kind)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < groups->subject_count; i++)
		count += groups->subjects[i].process->lost[kind];
	return count;
}

static json_t *lost_json(const struct json_report *report)
{
	static const char *const names[CW_LOST_KINDS] = {
		[CW_LOST_SOCKETS] = "sockets",
		[CW_LOST_FDS] = "descriptors",
		[CW_LOST_STACKS] = "stacks",
		[CW_LOST_SHORT_STACKS] = "short-stacks",
		[CW_LOST_SITES] = "sites",
		[CW_LOST_STATS] = "counters",
		[CW_LOST_LATE_CLOSES] = "late-closes",
		[CW_LOST_PROCESSES] = "processes",
		[CW_LOST_LOOKS] = "kernel-states",
		[CW_LOST_WATCHES] = "epoll-registrations",
	};
	const struct session *session = report->request->session;
	json_t *object = json_object();
	uint64_t cut = 0;

	for (int i = 0; report->groups && i < CW_LOST_KINDS; i++) {
		uint64_t count = lost(report->groups, i);

		if (count)
			json_put(&object, names[i], json_number(count));
	}
	for (size_t i = 0; i < session->trace_count; i++)
		cut += trace_view_truncated(&session->traces[i].view) ? 1 : 0;
	if (cut)
		json_put(&object, "ends-of-traces", json_number(cut));
	if (session->failed)
		json_put(&object, "traces", json_number(session->failed));
	return object;
}

static void put_faults(const struct json_report *report, json_t **object)
{
	static const struct faults none;
	const struct findings *findings = report->request->findings;
	const struct faults *faults = findings ? &findings->faults : &none;

	json_put(object, "slow-close", json_number(faults->slow));
	json_put(object, "closed-by-gc", json_number(faults->collected));
	json_put(object, "double-close", json_number(faults->double_closes));
	json_put(object, "eof-spin", json_number(faults->spins));
	json_put(object, "descriptors-exhausted", json_number(faults->exhausted));
}

json_t *json_summary(const struct json_report *report)
{
	static const struct group_totals none;
	const struct groups *groups = report->groups;
	const struct group_totals *totals = groups ? &groups->totals : &none;
	struct sum sum = {.all = report->request->options->clean};
	json_t *object;

	if (groups)
		add_groups(&sum, groups);
	object = json_pack(
		"{s:o, s:o, s:o, s:o}", "sockets_opened", json_number(sum.all.opened),
		"sockets_closed", json_number(sum.all.closed), "clean_processes",
		json_number(sum.all.processes), "leaks", json_number(totals->leaks));
	for (int i = 0; i < VERDICTS_TOLD; i++)
		json_put(&object, verdict_name((enum verdict)i),
			 json_number(sum.by_verdict[i]));
	json_put(&object, "listening", json_number(totals->listening));
	json_put(&object, "not_judged", json_number(totals->young + sum.all.young));
	json_put(&object, "gone", json_number(sum.all.gone));
	put_faults(report, &object);
	json_put(&object, "suppressed", json_number(sum.suppressed));
	json_put(&object, "known", json_number(sum.known));
	json_put(&object, "fails", json_boolean(report->request->fails));
	json_put(&object, "lost", lost_json(report));
	return object;
}
