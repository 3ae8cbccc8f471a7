/* SPDX-License-Identifier: MIT */
/* Which session this is, which processes were in it and what became of all their sockets. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "json_parts.h"
#include "trace/stack_names.h"
#include "trace/text.h"

/* The first process's trace, or any that is there; NULL: none. */
static const struct trace_view *first_view(const struct json_report *report)
{
	const struct session *session = report->request->session;

	if (report->groups)
		return &report->groups->subjects[0].view;
	return session->trace_count ? &session->traces[0].view : NULL;
}

/* ns since the epoch of a moment that the trace tells; 0 for never. */
static uint64_t real_time(const struct trace_view *view, uint64_t ns)
{
	const struct cw_header *header = view->header;

	if (!ns || !header->started_real)
		return 0;
	return header->started_real + (ns - header->started_mono);
}

static uint64_t started(const struct json_report *report, const struct trace_view *view)
{
	const struct cw_header *header = view ? view->header : NULL;

	if (report->request->run && report->request->run->started)
		return report->request->run->started;
	if (!header)
		return 0;
	return real_time(view, header->image_started ? header->image_started
						     : header->started_mono);
}

/* Known if every process said that it ended. */
static uint64_t ended(const struct json_report *report)
{
	uint32_t count = report->groups ? report->groups->subject_count : 0;
	uint64_t last = 0;

	if (report->request->run && report->request->run->started)
		return report->request->run->ended;
	for (uint32_t i = 0; i < count; i++) {
		const struct subject *subject = &report->groups->subjects[i];
		uint64_t ns = subject->process->ended;

		if (subject->process->state != CW_PROCESS_ENDED || !ns)
			return 0;
		ns = real_time(&subject->view, ns);
		last = ns > last ? ns : last;
	}
	return last;
}

/* A session's directory is named PID-STARTTIME: digits, dash, digits. */
static bool is_session_name(const char *name, size_t size)
{
	size_t pid = strspn(name, "0123456789");
	size_t start = name[pid] == '-' ? strspn(name + pid + 1, "0123456789") : 0;

	return pid && start && pid + 1 + start == size;
}

/* Of the directory, if that is a session's own, else of the trace. */
static json_t *id_of_path(const char *path)
{
	const char *name = text_base_name(path);
	const char *directory = name;

	if (name - path > 1) {
		for (directory = name - 1; directory > path && directory[-1] != '/';)
			directory--;
		if (is_session_name(directory, (size_t)(name - 1 - directory)))
			return json_foreign(directory, (size_t)(name - 1 - directory));
	}
	return json_foreign(name, PATH_MAX);
}

static json_t *id_json(const struct json_report *report)
{
	const char *path = report->request->session->path;

	if (!path)
		path = report->request->name;
	return path ? id_of_path(path) : json_null();
}

/* As /proc/sys/kernel/random/boot_id shows it. */
static void put_boot_id(const struct text_sink *sink, const void *context)
{
	const struct trace_view *view = context;

	for (size_t i = 0; view && i < sizeof(view->header->boot_id); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text_put(sink, "-");
		text_hex(sink, view->header->boot_id[i], 2);
	}
}

static json_t *command_json(const struct json_report *report,
			    const struct cw_header *header)
{
	const struct run_facts *run = report->request->run;

	if (run && run->command)
		return json_foreign(run->command, PATH_MAX);
	return json_foreign(header->command, sizeof(header->command));
}

json_t *json_session(const struct json_report *report)
{
	static const struct cw_header none = {.library_version = CW_VERSION};
	const struct trace_view *view = first_view(report);
	const struct cw_header *header = view ? view->header : &none;

	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", id_json(report),
		"version",
		json_foreign(header->library_version, sizeof(header->library_version)),
		"host", json_foreign(header->host, sizeof(header->host)), "kernel",
		json_foreign(header->kernel, sizeof(header->kernel)), "boot_id",
		json_written(put_boot_id, view), "command", command_json(report, header),
		"started", json_moment(started(report, view)), "ended",
		json_moment(ended(report)));
}

static void put_status(const struct text_sink *sink, const char *call, int status)
{
	text_put(sink, call);
	text_put(sink, "(");
	text_signed(sink, status);
	text_put(sink, ")");
}

static void put_end(const struct text_sink *sink, const void *context)
{
	const struct subject *subject = context;
	int value = subject->process->end_value;

	if (subject->context.alive) {
		text_put(sink, "running");
		return;
	}
	if (subject->context.killed) {
		if (subject->killed_by)
			text_signal(sink, subject->killed_by);
		else
			text_put(sink, "killed");
		return;
	}
	switch (subject->process->ended_by) {
	case CW_END_EXIT:
		put_status(sink, "exit", value);
		break;
	case CW_END__EXIT:
		put_status(sink, "_exit", value);
		break;
	case CW_END_QUICK:
		put_status(sink, "quick_exit", value);
		break;
	case CW_END_SIGNAL:
		text_signal(sink, value);
		break;
	case CW_END_EXEC:
		text_put(sink, "exec");
		break;
	default:
		text_put(sink, "unknown");
	}
}

/* Null as the stack, where that is not known. */
static json_t *end_thread_json(const struct subject *subject)
{
	char name[STACK_THREAD_BYTES];

	if (!trace_site(&subject->view, subject->process->end_site, &(uint32_t){0}))
		return json_null();
	stack_end_thread(&subject->view, subject->process, name);
	return json_foreign(name, sizeof(name));
}

static json_t *process_json(const struct json_report *report,
			    const struct subject *subject)
{
	const struct cw_header *header = subject->view.header;

	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "pid",
		json_integer(subject->process->pid), "ppid",
		json_integer(subject->process->ppid), "executable",
		json_foreign(header->executable, sizeof(header->executable)), "command",
		json_foreign(header->command, sizeof(header->command)), "ended_by",
		json_written(put_end, subject), "traced", true, "end_stack",
		json_stack(report, subject, subject->process->end_site), "end_thread",
		end_thread_json(subject));
}

json_t *json_processes(const struct json_report *report)
{
	uint32_t count = report->groups ? report->groups->subject_count : 0;
	json_t *list = json_array();

	for (uint32_t i = 0; i < count; i++)
		json_add(&list, process_json(report, &report->groups->subjects[i]));
	return list;
}
