/* SPDX-License-Identifier: MIT */
/* The processes of a look: their descriptors, and what they hold. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "host_process.h"
#include "proc_entry.h"
#include "sampler.h"
#include "top_looking.h"

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
		proc_entry_name(&entry, process->name);
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
	*process = (struct top_process){
		.pid = (uint32_t)pid,
		.subject = (uint32_t)(subject - looking->findings.subjects),
	};
	read_descriptors(process);
	if (looking->top->sampler)
		sampler_watch(looking->top->sampler, pid, host_process_start(pid));
	process->descriptors = history_add(&looking->top->processes,
					   host_process_start(pid) << 22 ^ (uint64_t)pid,
					   process->used, false, looking);
	looking->failed |= !process->descriptors;
	table->process_count++;
}

static struct top_process *process_of(const struct top_table *table, uint32_t subject)
{
	for (size_t i = 0; i < table->process_count; i++)
		if (table->processes[i].subject == subject)
			return &table->processes[i];
	return NULL;
}

static void count_item(struct looking *looking, const struct group_item *item)
{
	struct top_process *process = process_of(&looking->table, item->subject);
	const struct trace_view *view = &looking->findings.subjects[item->subject].view;
	const struct cw_look *look;
	struct cw_socket socket;

	if (!process || !groups_socket(&looking->findings.groups, item, &socket))
		return;
	switch ((enum verdict)item->verdict) {
	case VERDICT_EOF_IGNORED:
	case VERDICT_HALF_CLOSED:
		process->eof_read++;
		break;
	case VERDICT_EOF_UNREAD:
	case VERDICT_IDLE_CLIENT:
		process->eof_unread++;
		break;
	case VERDICT_RESET_IGNORED:
	case VERDICT_SHUTDOWN_UNCLOSED:
		process->detached++;
		return;
	default:
		return;
	}
	look = trace_socket_look(view, &socket);
	process->unread_bytes += look ? look->unread : 0;
	if (item->dwell > process->oldest)
		process->oldest = item->dwell;
}

static void put(void *context, const char *bytes, size_t size)
{
	fwrite(bytes, 1, size, context);
}

typedef void report_put_part(struct findings *findings, uint32_t subject,
			     const struct report_options *options,
			     const struct text_sink *sink);

/* What `put_part` tells of the first process. */
static char *text_of_first(struct looking *looking, report_put_part *put_part)
{
	size_t size = 0;
	char *text = NULL;
	FILE *file = open_memstream(&text, &size);
	const struct text_sink sink = {.put = put, .context = file};

	if (file)
		put_part(&looking->findings, looking->findings.first,
			 &looking->top->options, &sink);
	looking->failed |= !file || fclose(file) != 0;
	return text;
}

void looking_add_processes(struct looking *looking)
{
	const struct findings *findings = &looking->findings;
	struct top_table *table = &looking->table;

	table->subject_count = findings->subject_count;
	table->processes = calloc(findings->subject_count + 1, sizeof(*table->processes));
	if (!table->processes) {
		looking->failed = true;
		return;
	}
	for (uint32_t i = 0; i < findings->subject_count; i++) {
		add_process(looking, &findings->subjects[i]);
		table->opened += findings->subjects[i].process->opened;
		table->closed += findings->subjects[i].process->closed;
	}
	for (uint32_t i = 0; i < findings->groups.item_count; i++)
		count_item(looking, &findings->groups.items[i]);
	table->command = text_of_first(looking, report_put_command);
	table->end = text_of_first(looking, report_put_end);
}
