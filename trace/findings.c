/* SPDX-License-Identifier: MIT */
/* Judging processes and counting what there is to tell of them. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "findings.h"

static struct verdict_context context_of(const struct report_process *process,
					 const struct cw_process *record,
					 const struct report_options *options)
{
	struct verdict_context context = verdict_context_of(
		process->view, record, options->now, process->life == REPORT_LIFE_ALIVE,
		process->life == REPORT_LIFE_KILLED);

	if (context.killed && process->killed_at) {
		if (process->killed_at > context.moment)
			context.moment = process->killed_at;
		context.dated = true;
	}
	if (options->grace)
		context.grace = options->grace;
	if (options->slow_close)
		context.slow_close = options->slow_close;
	return context;
}

/* The kernel's newest word is of those that live: a socket of a dead process may still be open
 * in another, which says nothing of who forgot it. */
static void take_subject(struct subject *subject, const struct report_process *process,
			 const struct report_options *options)
{
	subject->view = *process->view;
	subject->extent = process->extent;
	subject->process = trace_process(process->view, process->extent);
	subject->context = context_of(process, subject->process, options);
	subject->killed_by = process->killed_by;
	if (!subject->context.alive)
		subject->view.look = NULL;
}

static void add_fault(struct faults *sum, const struct fault_place *place)
{
	switch ((enum fault_kind)place->kind) {
	case FAULT_SLOW_CLOSE:
		sum->slow += place->count;
		if (place->longest > sum->slow_max)
			sum->slow_max = place->longest;
		break;
	case FAULT_CLOSED_BY_GC:
		sum->collected += place->count;
		break;
	case FAULT_EOF_SPIN:
		sum->spins += place->count;
		break;
	case FAULT_DOUBLE_CLOSE:
		sum->double_closes += place->count;
		break;
	default:
		sum->exhausted += place->count;
	}
}

static void count_faults(struct findings *findings)
{
	const struct fault_places *places = &findings->fault_places;

	findings->faults = (struct faults){0};
	for (uint32_t i = 0; i < findings->subject_count; i++)
		findings->subjects[i].faults = 0;
	for (uint32_t i = 0; i < places->count; i++) {
		const struct fault_place *place = &places->items[i];

		if (!place->count || place->suppressed)
			continue;
		add_fault(&findings->faults, place);
		findings->subjects[place->subject].faults++;
	}
}

/* Sockets that nobody watched: silence would say that all is well. */
static uint64_t unwatched(const struct subject *subject)
{
	const struct cw_process *process = subject->process;

	return process->lost[CW_LOST_SOCKETS] + process->lost[CW_LOST_FDS] +
	       process->lost[CW_LOST_PROCESSES];
}

static void count_places(struct findings *findings)
{
	const struct groups *groups = &findings->groups;

	findings->places = 0;
	for (uint32_t i = 0; i < groups->run_count; i++)
		findings->places += groups->runs[i].mark != RUN_SUPPRESSED &&
				    groups->items[groups->runs[i].first].leak;
}

bool findings_speaks(const struct findings *findings, const struct subject *subject)
{
	return subject->leaks || subject->faults || unwatched(subject) ||
	       (subject->context.killed &&
		findings->groups.totals.by_verdict[VERDICT_UNKNOWN]);
}

void findings_recount(struct findings *findings)
{
	count_places(findings);
	count_faults(findings);
	findings->speaking = 0;
	findings->first = 0;
	for (uint32_t i = 0; i < findings->subject_count; i++)
		if (findings_speaks(findings, &findings->subjects[i]) &&
		    !findings->speaking++)
			findings->first = i;
}

/* Without it a finding is as true. */
static void take_history(struct findings *findings, const struct report_options *options)
{
	const struct trace_view *own = &findings->subjects[0].view;

	if (!findings->groups.run_count)
		return;
	if (options->trace_count)
		history_build(&findings->history, options->traces, options->trace_count);
	else
		history_build(&findings->history, &own, 1);
}

int findings_build(struct findings *findings, const struct report_process *processes,
		   uint32_t count, const struct report_options *options)
{
	int error;

	memset(findings, 0, sizeof(*findings));
	findings->subjects_size = count * sizeof(struct subject);
	findings->subjects = mmap(NULL, findings->subjects_size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (findings->subjects == MAP_FAILED) {
		findings->subjects = NULL;
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++)
		take_subject(&findings->subjects[i], &processes[i], options);
	findings->subject_count = count;
	error = groups_build(&findings->groups, findings->subjects, count,
			     options->show_open || options->all || options->group_open);
	if (!error)
		error = faults_find(&findings->fault_places, &findings->groups);
	if (error) {
		findings_release(findings);
		return error;
	}
	take_history(findings, options);
	findings_recount(findings);
	return 0;
}

void findings_release(struct findings *findings)
{
	history_release(&findings->history);
	faults_release(&findings->fault_places);
	groups_release(&findings->groups);
	if (findings->subjects)
		munmap(findings->subjects, findings->subjects_size);
	findings->subjects = NULL;
}

uint64_t findings_count(const struct findings *findings)
{
	const struct faults *faults = &findings->faults;
	uint64_t count = findings->groups.totals.leaks + faults->slow +
			 faults->collected + faults->spins + faults->double_closes +
			 (faults->exhausted ? 1 : 0);
	bool killed = false;

	for (uint32_t i = 0; i < findings->subject_count; i++) {
		count += unwatched(&findings->subjects[i]);
		killed |= findings->subjects[i].context.killed;
	}
	if (killed)
		count += findings->groups.totals.by_verdict[VERDICT_UNKNOWN];
	return count;
}
