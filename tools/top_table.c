/* SPDX-License-Identifier: MIT */
/* Looking at what is traced, again and again. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "complain.h"
#include "host_process.h"
#include "proc_entry.h"
#include "session.h"
#include "top_table.h"
#include "trace/findings.h"
#include "trace/stack_names.h"
#include "trace_find.h"

/* Of a place or a process, over the looks. */
struct history {
	uint64_t key;
	struct top_series series;
	uint64_t look; /* the last one that added to it */
	UT_hash_handle hh;
};

struct top {
	const char *what;
	struct report_options options;
	char root[64];           /* in front of the modules' paths: the named process's */
	struct symbols *symbols; /* kept over the looks: it has read debug information */
	struct history *places;
	struct history *processes;
	struct top_table table;
	uint64_t look;
};

/* A look in the making. */
struct looking {
	struct top *top;
	struct findings findings;
	struct symbolizer symbolizer;
	struct top_table table;
	bool failed; /* no memory */
};

struct top *top_open(const char *what, const struct report_options *options)
{
	struct top *top = calloc(1, sizeof(*top));

	if (!top)
		return NULL;
	top->what = what;
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
	free(table->program);
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
	free_table(&top->table);
	forget(&top->places, 0);
	forget(&top->processes, 0);
	symbols_close(top->symbols);
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

/* NULL: no memory. */
static const struct top_series *add_to(struct history **all, uint64_t key, uint64_t value,
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

static void put(void *context, const char *bytes, size_t size)
{
	fwrite(bytes, 1, size, context);
}

/* What one of the report's parts puts, as a string; NULL: no memory. */
static char *text_of(struct looking *looking, const struct group *group,
		     void (*part)(struct findings *findings, const struct group *group,
				  const struct report_options *options,
				  const struct symbolizer *symbolizer,
				  const struct text_sink *sink))
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	const struct text_sink sink = {.put = put, .context = file};

	if (!file)
		return NULL;
	part(&looking->findings, group, &looking->top->options, &looking->symbolizer,
	     &sink);
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}

static bool is_shown(const struct looking *looking, const struct group *group)
{
	return group->leak || group->verdict != VERDICT_OPEN ||
	       looking->top->options.show_open;
}

static void add_row(struct looking *looking, uint32_t run)
{
	struct top_table *table = &looking->table;
	struct top_row *row = &table->rows[table->row_count];
	struct group group;
	struct naming naming;

	if (!groups_describe(&looking->findings.groups, run, &group) ||
	    !is_shown(looking, &group))
		return;
	naming = (struct naming){&group.subject->view, &looking->symbolizer, false,
				 false};
	*row = (struct top_row){
		.fingerprint = stack_fingerprint(&naming, &group.example),
		.verdict = group.verdict,
		.leak = group.leak,
		.count = group.count,
		.oldest = group.oldest,
		.bound = group.bound,
		.bytes = group.bytes_in + group.bytes_out,
		.place = text_of(looking, &group, report_put_place),
		.stacks = text_of(looking, &group, report_put_group),
	};
	row->counts = add_to(&looking->top->places,
			     (uint64_t)row->verdict << 32 | row->fingerprint, row->count,
			     true, looking);
	looking->failed |= !row->place || !row->stacks || !row->counts;
	table->row_count++;
}

static void add_rows(struct looking *looking)
{
	uint32_t count = looking->findings.groups.run_count;

	looking->table.rows = calloc(count + 1, sizeof(*looking->table.rows));
	if (!looking->table.rows) {
		looking->failed = true;
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		add_row(looking, i);
}

static void ignore_socket(void *context, int fd, uint64_t inode)
{
	(void)context;
	(void)fd;
	(void)inode;
}

/* Without the right to see them nothing is said of descriptors. */
static void read_descriptors(struct top_process *process)
{
	struct proc_entry entry;
	int root = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t limit;

	if (root >= 0 && proc_entry_open(&entry, root, (pid_t)process->pid) == 0) {
		limit = proc_entry_fd_limit(&entry);
		if (proc_entry_each_socket(&entry, ignore_socket, NULL, &process->used) ==
			    0 &&
		    limit < PROC_LIMIT_NONE)
			process->limit = limit;
		proc_entry_close(&entry);
	}
	if (root >= 0)
		close(root);
}

static void add_process(struct looking *looking, const struct subject *subject)
{
	struct top_table *table = &looking->table;
	struct top_process *process = &table->processes[table->process_count];
	pid_t pid = host_process_find(subject->view.header, subject->process);

	if (!pid || !subject->context.alive)
		return;
	*process = (struct top_process){.pid = (uint32_t)pid};
	read_descriptors(process);
	process->descriptors = add_to(&looking->top->processes,
				      host_process_start(pid) << 22 ^ (uint64_t)pid,
				      process->used, false, looking);
	looking->failed |= !process->descriptors;
	table->process_count++;
}

static void put_program(struct looking *looking)
{
	struct top_table *table = &looking->table;
	size_t size = 0;
	FILE *file = open_memstream(&table->program, &size);
	const struct text_sink sink = {.put = put, .context = file};

	if (file)
		report_put_program(&looking->findings, looking->findings.first,
				   &looking->top->options, &sink);
	looking->failed |= !file || fclose(file) != 0;
}

static void add_processes(struct looking *looking)
{
	const struct findings *findings = &looking->findings;
	struct top_table *table = &looking->table;

	table->subject_count = findings->subject_count;
	table->processes =
		calloc(findings->subject_count + 1, sizeof(*table->processes));
	if (!table->processes) {
		looking->failed = true;
		return;
	}
	for (uint32_t i = 0; i < findings->subject_count; i++) {
		add_process(looking, &findings->subjects[i]);
		table->opened += findings->subjects[i].process->opened;
		table->closed += findings->subjects[i].process->closed;
	}
	put_program(looking);
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
	add_processes(looking);
	add_rows(looking);
}

static bool look_at(struct looking *looking, struct session *session)
{
	struct top *top = looking->top;

	session_complete(session, &top->options);
	looking->table.when = top->options.now;
	symbols_renew(top->symbols);
	looking->symbolizer = symbols_symbolizer(top->symbols);
	if (!session->process_count)
		return false;
	if (findings_build(&looking->findings, session->processes,
			   session->process_count, &top->options) < 0) {
		looking->failed = true;
		return false;
	}
	fill(looking, session);
	findings_release(&looking->findings);
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

bool top_look(struct top *top)
{
	struct looking looking = {.top = top};
	struct trace_list list;
	struct session session = {0};
	bool whole = false;

	top->look++;
	if (trace_find(&list, top->what) == 0) {
		if (list.pid)
			snprintf(top->root, sizeof(top->root), "/proc/%d/root", list.pid);
		if (session_load(&session, list.paths, first_session(&list), NULL,
				 list.pid) == 0)
			whole = look_at(&looking, &session);
	}
	session_free(&session);
	trace_list_free(&list);
	if (looking.failed)
		complain(top->what, "no memory");
	if (!whole) {
		free_table(&looking.table);
		return false;
	}
	free_table(&top->table);
	top->table = looking.table;
	forget(&top->places, top->look);
	forget(&top->processes, top->look);
	return true;
}
