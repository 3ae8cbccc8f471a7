/* SPDX-License-Identifier: MIT */
/* Loading the traces of one run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "cleanup.h"
#include "complain.h"
#include "host_process.h"
#include "live_looks.h"
#include "sampled_looks.h"
#include "session.h"

static enum report_life life_of(const struct trace_view *view,
				const struct cw_process *process)
{
	return host_process_find(view->header, process) ? REPORT_LIFE_ALIVE
							: REPORT_LIFE_KILLED;
}

/* A forked child alone, where it was asked for. */
static void keep_only(struct session *session, const struct report_process *processes,
		      uint32_t count, pid_t pid)
{
	for (uint32_t i = 0; pid && i < count; i++) {
		const struct cw_process *process =
			trace_process(processes[i].view, processes[i].extent);

		if (!process->parent ||
		    host_process_find(processes[i].view->header, process) != pid)
			continue;
		session->processes[0] = processes[i];
		session->process_count = 1;
		session->clean = (struct report_clean){0};
		return;
	}
}

static int add_processes(struct session *session, const struct trace_view *view)
{
	uint32_t count = report_processes(view, NULL, 0);
	struct report_process *all = reallocarray(
		session->processes, session->process_count + count + 1, sizeof(*all));

	if (!all)
		return -1;
	session->processes = all;
	all += session->process_count;
	report_processes(view, all, count);
	for (uint32_t i = 0; i < count; i++)
		all[i].life = life_of(view, trace_process(view, all[i].extent));
	session->process_count += count;
	report_add_clean(&session->clean, view);
	return 0;
}

static int add_trace(struct session *session, const char *path, const char *name)
{
	struct loaded_trace *trace = &session->traces[session->trace_count];

	if (trace_load(trace, path, name ? name : path) < 0) {
		session->failed++;
		return 0;
	}
	session->looks[session->trace_count] =
		live_looks_take(&trace->view, name ? name : path);
	if (session->sampled)
		sampled_looks_attach(session->sampled, &trace->view);
	if (session->looks[session->trace_count])
		live_looks_attach(session->looks[session->trace_count], &trace->view);
	session->views[session->trace_count] = &trace->view;
	session->trace_count++;
	return add_processes(session, &trace->view);
}

/* NULL: there is none in the path, or no memory. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? strndup(path, (size_t)(slash - path)) : NULL;
}

/* Traces that are reported on together are of one session. What cannot be read says nothing. */
static void take_samples(struct session *session, const char *path)
{
	AUTO_FREE char *directory = directory_of(path);
	AUTO_FREE struct sampled_looks *looks = calloc(1, sizeof(*looks));

	if (!directory || !looks || samples_read(&session->samples, directory) < 0 ||
	    sampled_looks_take(looks, &session->samples) < 0)
		return;
	session->sampled = looks;
	looks = NULL;
}

/* How the command was killed only its parent knows, which was `closewait run`. */
static void take_facts(struct session *session, const char *path)
{
	AUTO_FREE char *directory = directory_of(path);
	const struct run_facts *facts = &session->facts;

	if (!directory || run_facts_read(&session->facts, directory) < 0 ||
	    !facts->ended || !WIFSIGNALED(facts->status))
		return;
	for (uint32_t i = 0; i < session->process_count; i++) {
		struct report_process *process = &session->processes[i];

		if (process->life == REPORT_LIFE_KILLED &&
		    trace_process(process->view, process->extent)->pid ==
			    (uint32_t)facts->pid) {
			process->killed_by = WTERMSIG(facts->status);
			process->killed_at = facts->ended_mono;
		}
	}
}

/* Parents before the processes they forked, whatever trace those have. */
static int by_start(const void *left, const void *right)
{
	const struct report_process *a = left;
	const struct report_process *b = right;
	uint64_t started_a = trace_process(a->view, a->extent)->started;
	uint64_t started_b = trace_process(b->view, b->extent)->started;

	if (started_a != started_b)
		return started_a < started_b ? -1 : 1;
	return (a->extent > b->extent) - (a->extent < b->extent);
}

int session_load(struct session *session, char *const *paths, size_t count,
		 const char *name, pid_t pid)
{
	*session = (struct session){.path = count ? paths[0] : NULL};
	session->traces = calloc(count, sizeof(*session->traces));
	session->views = calloc(count, sizeof(*session->views));
	session->looks = calloc(count, sizeof(*session->looks));
	if (pid)
		snprintf(session->root, sizeof(session->root), "/proc/%d/root", pid);
	session->symbols = symbols_open(session->root);
	if (!session->traces || !session->views || !session->looks || !session->symbols) {
		complain(name ? name : paths[0], "no memory");
		return -1;
	}
	if (count)
		take_samples(session, paths[0]);
	for (size_t i = 0; i < count; i++) {
		if (add_trace(session, paths[i], name) < 0) {
			complain(name ? name : paths[i], "no memory");
			return -1;
		}
	}
	if (session->process_count)
		qsort(session->processes, session->process_count,
		      sizeof(*session->processes), by_start);
	if (count)
		take_facts(session, paths[0]);
	keep_only(session, session->processes, session->process_count, pid);
	return session->trace_count || !count ? 0 : -1;
}

void session_free(struct session *session)
{
	for (size_t i = 0; i < session->trace_count; i++) {
		live_looks_free(session->looks[i]);
		trace_unload(&session->traces[i]);
	}
	if (session->sampled)
		sampled_looks_free(session->sampled);
	free(session->sampled);
	samples_free(&session->samples);
	symbols_close(session->symbols);
	run_facts_free(&session->facts);
	free(session->traces);
	free(session->views);
	free(session->looks);
	free(session->processes);
	*session = (struct session){0};
}

void session_complete(const struct session *session, struct report_options *options)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	options->now = (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
	options->command = true;
	options->clean = session->clean;
	options->traces = session->views;
	options->trace_count = session->trace_count;
}
