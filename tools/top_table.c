/* SPDX-License-Identifier: MIT */
/* Looking at what is traced, again and again. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "complain.h"
#include "host_process.h"
#include "sampler.h"
#include "session.h"
#include "top_looking.h"
#include "trace_find.h"

struct top *top_open(const char *what, uint64_t interval,
		     const struct report_options *options)
{
	struct top *top = calloc(1, sizeof(*top));

	if (!top)
		return NULL;
	top->what = what;
	top->interval = interval;
	top->options = *options;
	top->options.command = true;
	top->options.group_open = true;
	top->symbols = symbols_open(top->root);
	if (top->symbols)
		return top;
	free(top);
	return NULL;
}

static void free_table(struct top_table *table)
{
	for (size_t i = 0; i < table->row_count; i++) {
		free(table->rows[i].place);
		free(table->rows[i].stacks);
	}
	free(table->rows);
	free(table->processes);
	free(table->command);
	free(table->end);
	*table = (struct top_table){0};
}

/* Those that the last look has not found any more; all, if that was never. */
static void forget(struct history **all, uint64_t look)
{
	struct history *item, *next;

	HASH_ITER(hh, *all, item, next)
	{
		if (look && item->look == look)
			continue;
		HASH_DEL(*all, item);
		free(item);
	}
}

void top_close(struct top *top)
{
	top_samples_end(top);
	free_table(&top->table);
	forget(&top->places, 0);
	forget(&top->processes, 0);
	symbols_close(top->symbols);
	free(top->session);
	free(top->trace);
	free(top);
}

void top_show_open(struct top *top, bool show)
{
	top->options.show_open = show;
}

const struct top_table *top_table(const struct top *top)
{
	return &top->table;
}

void top_sort(struct top *top, enum top_order order)
{
	top_sort_rows(top->table.rows, top->table.row_count, order);
}

const struct top_series *history_add(struct history **all, uint64_t key, uint64_t value,
				     bool from_zero, const struct looking *looking)
{
	struct history *item;

	HASH_FIND(hh, *all, &key, sizeof(key), item);
	if (!item) {
		item = calloc(1, sizeof(*item));
		if (!item)
			return NULL;
		item->key = key;
		/* The look before has not found it. */
		if (from_zero && looking->top->table.when)
			top_series_add(&item->series, looking->top->table.when, 0);
		HASH_ADD(hh, *all, key, sizeof(key), item);
		if (!item->hh.tbl) {
			free(item);
			return NULL;
		}
	}
	/* Two groups of one look with one name are one place. */
	if (item->look == looking->top->look)
		value += item->series.value[(item->series.count - 1) % TOP_LOOKS];
	if (item->look == looking->top->look)
		item->series.count--;
	top_series_add(&item->series, looking->table.when, value);
	item->look = looking->top->look;
	return &item->series;
}

static void fill(struct looking *looking, const struct session *session)
{
	const struct group_totals *totals = &looking->findings.groups.totals;
	struct top_table *table = &looking->table;

	table->opened = session->clean.opened;
	table->closed = session->clean.closed;
	table->leaks = totals->leaks;
	table->listening = totals->listening;
	table->open = totals->by_verdict[VERDICT_OPEN] - totals->listening;
	table->young = totals->young + session->clean.young;
	looking_add_processes(looking);
	looking_add_rows(looking);
}

static bool look_at(struct looking *looking, struct session *session)
{
	struct top *top = looking->top;
	struct timespec end;

	session_complete(session, &top->options);
	looking->table.when = top->options.now;
	symbols_renew(top->symbols);
	looking->symbolizer = symbols_symbolizer(top->symbols);
	if (!session->process_count)
		return false;
	if (findings_build(&looking->findings, session->processes, session->process_count,
			   &top->options) < 0) {
		looking->failed = true;
		return false;
	}
	fill(looking, session);
	findings_release(&looking->findings);
	clock_gettime(CLOCK_MONOTONIC, &end);
	looking->table.took = (uint64_t)end.tv_sec * 1000000000ull +
			      (uint64_t)end.tv_nsec - looking->table.when;
	return !looking->failed;
}

/* The traces of the newest session that it names. */
static size_t first_session(const struct trace_list *list)
{
	size_t size = 1;

	while (size < list->count &&
	       trace_find_same_session(list->paths[0], list->paths[size]))
		size++;
	return size;
}

/* A process is found by its mappings, through links that end with it. */
static void remember(struct top *top, const struct trace_list *list)
{
	top->pid = list->pid;
	top->pid_start = list->pid ? host_process_start(list->pid) : 0;
	if (list->pid)
		snprintf(top->root, sizeof(top->root), "/proc/%d/root", list->pid);
	top->trace = realpath(list->paths[0], NULL);
	if (top->trace)
		top_samples_begin(top);
}

static const char *what_to_look_at(const struct top *top)
{
	bool ended = top->pid && host_process_start(top->pid) != top->pid_start;

	return ended && top->trace ? top->trace : top->what;
}

bool top_look(struct top *top)
{
	struct looking looking = {.top = top};
	struct trace_list list;
	struct session session = {0};
	bool whole = false;

	top->look++;
	if (trace_find(&list, what_to_look_at(top)) == 0) {
		if (!top->trace)
			remember(top, &list);
		if (session_load(&session, list.paths, first_session(&list), NULL,
				 list.pid) == 0)
			whole = look_at(&looking, &session);
	}
	session_free(&session);
	trace_list_free(&list);
	if (looking.failed)
		complain(top->what, "no memory");
	top->over = !whole;
	if (!whole) {
		free_table(&looking.table);
		return false;
	}
	free_table(&top->table);
	top->table = looking.table;
	if (top->sampler)
		sampler_look(top->sampler);
	forget(&top->places, top->look);
	forget(&top->processes, top->look);
	return true;
}
