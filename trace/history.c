/* SPDX-License-Identifier: MIT */
/* Collects what is told of each socket, and sorts it. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "history.h"
#include "sort.h"

/* Records that may appear between counting and collecting: other threads run on. */
#define SLACK 64u

enum history_what history_origin(unsigned origin)
{
	if (origin == CW_ORIGIN_INHERITED)
		return HISTORY_INHERITED;
	if (origin == CW_ORIGIN_RECEIVED)
		return HISTORY_RECEIVED;
	return origin == CW_ORIGIN_ADOPTED ? HISTORY_FOUND : HISTORY_OPENED;
}

const char *history_word(enum history_what what)
{
	switch (what) {
	case HISTORY_RECEIVED:
		return "received";
	case HISTORY_FOUND:
		return "found open";
	case HISTORY_PASSED_ON:
		return "passed on";
	case HISTORY_INHERITED:
		return "opened";
	default:
		return "opened";
	}
}

bool history_subject(const struct history_step *step, struct subject *subject)
{
	*subject = (struct subject){
		.view = *step->view,
		.extent = step->extent,
		.process = trace_process(step->view, step->extent),
	};
	subject->view.look = NULL;
	return subject->process != NULL;
}

/* The process in that extent, where its records mean anything: it is, or was. */
static bool take_process(const struct trace_view *view, uint32_t extent,
			 struct history_step *step)
{
	const struct cw_process *process = trace_process(view, extent);
	uint32_t state = process ? process->state : CW_PROCESS_NONE;

	if (state == CW_PROCESS_NONE || state == CW_PROCESS_UNBORN)
		return false;
	*step = (struct history_step){
		.view = view,
		.extent = extent,
		.started = process->started,
		.pid = process->pid,
	};
	return true;
}

static void add(struct histories *history, const struct history_step *step)
{
	if (history->count < history->room)
		history->steps[history->count++] = *step;
}

/* What a fork child inherited is a copy of what its parent tells, if that still has it; only what the
 * child handed on by exec may be all that is left of it. */
static bool is_told(const struct cw_socket *socket, const struct history_step *step)
{
	const struct cw_process *process = trace_process(step->view, step->extent);

	if (!socket->cookie || !process)
		return false;
	return socket->origin != CW_ORIGIN_INHERITED || process->ended_by == CW_END_EXEC;
}

static void add_sockets(struct histories *history, uint32_t index,
			struct history_step step)
{
	size_t size = sizeof(struct cw_socket);
	uint32_t count = (uint32_t)(trace_extent_used(step.view, index) / size);

	for (uint32_t n = 0; n < count; n++) {
		struct cw_socket socket;

		step.socket = trace_record_ref(index, n, size);
		if (!trace_socket_copy(step.view, step.socket, &socket) ||
		    !is_told(&socket, &step))
			continue;
		step.cookie = socket.cookie;
		step.ns = socket.opened;
		step.site = socket.open_site;
		step.what = history_origin(socket.origin);
		add(history, &step);
	}
}

/* Each has the beginning with it: its record may be gone. */
static void add_passed(struct histories *history, uint32_t index,
		       struct history_step step)
{
	const struct cw_passed *passed = trace_extent_bytes(step.view, index);

	for (uint32_t n = 0; n < CW_PASSED_PER_EXTENT; n++) {
		step.cookie = passed[n].cookie;
		if (!step.cookie)
			continue;
		step.ns = passed[n].ns;
		step.site = passed[n].sent_site;
		step.what = HISTORY_PASSED_ON;
		add(history, &step);
		step.ns = 0;
		step.site = passed[n].open_site;
		step.what = history_origin(passed[n].origin);
		add(history, &step);
	}
}

/* How many steps an extent can hold. */
static uint32_t steps_in(const struct trace_view *view, uint32_t index,
			 enum cw_extent_kind kind)
{
	if (kind == CW_EXTENT_SOCKETS)
		return (uint32_t)(trace_extent_used(view, index) /
				  sizeof(struct cw_socket));
	return kind == CW_EXTENT_PASSED ? 2 * (uint32_t)CW_PASSED_PER_EXTENT : 0;
}

/* With `history` NULL they are only counted. */
static uint32_t collect(struct histories *history, const struct trace_view *view)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < view->extent_count; i++) {
		struct history_step step;
		uint32_t owner;
		enum cw_extent_kind kind = trace_extent(view, i, &owner);

		count += steps_in(view, i, kind);
		if (!history || !take_process(view, owner, &step))
			continue;
		if (kind == CW_EXTENT_SOCKETS)
			add_sockets(history, i, step);
		else if (kind == CW_EXTENT_PASSED)
			add_passed(history, i, step);
	}
	return count;
}

static int ascending(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* In the order of the processes; of each first how the socket came to it. */
static int by_cookie(const void *left, const void *right, const void *context)
{
	const struct history_step *a = left;
	const struct history_step *b = right;
	int order = ascending(a->cookie, b->cookie);

	(void)context;
	if (!order)
		order = ascending(a->started, b->started);
	if (!order && a->view != b->view)
		order = a->view < b->view ? -1 : 1;
	if (!order)
		order = ascending(a->extent, b->extent);
	if (!order)
		order = ascending(a->what, b->what);
	if (!order)
		order = ascending(b->ns, a->ns);
	return order ? order : ascending(a->socket, b->socket);
}

/* Is the step told by the one before it? Of several beginnings the record's own is first; of what
 * was passed on again and again, the last time. */
static bool is_repeated(const struct history_step *before,
			const struct history_step *step)
{
	return before->cookie == step->cookie && before->view == step->view &&
	       before->extent == step->extent && before->what == step->what;
}

static bool has_opener(const struct history_step *steps, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (steps[i].what == HISTORY_OPENED)
			return true;
	return false;
}

static uint32_t steps_of_one(const struct histories *history, uint32_t from)
{
	uint32_t to = from;

	while (to < history->count &&
	       history->steps[to].cookie == history->steps[from].cookie)
		to++;
	return to - from;
}

static void drop_repeated(struct histories *history)
{
	uint32_t kept = 0, count;

	for (uint32_t from = 0; from < history->count; from += count) {
		bool opener;

		count = steps_of_one(history, from);
		opener = has_opener(&history->steps[from], count);
		for (uint32_t i = from; i < from + count; i++) {
			struct history_step step = history->steps[i];

			if ((opener && step.what == HISTORY_INHERITED) ||
			    (kept && is_repeated(&history->steps[kept - 1], &step)))
				continue;
			history->steps[kept++] = step;
		}
	}
	history->count = kept;
}

int history_build(struct histories *history, const struct trace_view *const *traces,
		  size_t count)
{
	*history = (struct histories){.room = SLACK};
	for (size_t i = 0; i < count; i++)
		history->room += collect(NULL, traces[i]);
	history->size = history->room * sizeof(*history->steps);
	history->steps = mmap(NULL, history->size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (history->steps == MAP_FAILED) {
		*history = (struct histories){0};
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		collect(history, traces[i]);
	sort_heap(history->steps, history->count, sizeof(*history->steps), by_cookie,
		  NULL);
	drop_repeated(history);
	return 0;
}

void history_release(struct histories *history)
{
	if (history->steps)
		munmap(history->steps, history->size);
	*history = (struct histories){0};
}

uint32_t history_of(const struct histories *history, uint64_t cookie, uint32_t *first)
{
	uint32_t at = (uint32_t)sort_first(history->steps, history->count,
					   sizeof(*history->steps), cookie);
	uint32_t count = 0;

	*first = at;
	while (cookie && at + count < history->count &&
	       history->steps[at + count].cookie == cookie)
		count++;
	return count;
}
