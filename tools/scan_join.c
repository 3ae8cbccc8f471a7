/* SPDX-License-Identifier: MIT */
/* Descriptors of a process against the tables. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "cleanup.h"
#include "scan_parts.h"

#define LIBRARY "libclosewait.so"

/* One process in the making: nothing counts before it is known to be one. */
struct joining {
	struct scan_work *work;
	const struct proc_entry *entry;
	struct scan_socket *sockets; /* owned */
	size_t count, room;
	size_t unmatched_before;
};

static void put_down(struct joining *joining, int fd, uint64_t inode)
{
	struct scan_work *work = joining->work;
	struct table_row *row = socket_table_find(&work->scan->table, inode);
	struct unmatched *unmatched;
	struct scan_socket *socket;

	if (row && row->young) {
		row->holders++;
		return;
	}
	if (row) {
		socket = scan_grow(work, &joining->sockets, &joining->count,
				   &joining->room, sizeof(*socket));
		if (socket)
			*socket = (struct scan_socket){row, fd};
		return;
	}
	unmatched = scan_grow(work, &work->unmatched, &work->unmatched_count,
			      &work->unmatched_room, sizeof(*unmatched));
	if (unmatched)
		*unmatched = (struct unmatched){joining->entry->pid, fd,
						joining->entry->start, inode};
}

static void visit_socket(void *context, int fd, uint64_t inode)
{
	const struct joining *joining = context;

	put_down(context, fd, inode);
	scan_step(joining->work, SCAN_SOCKET, joining->entry->pid);
}

enum scan_eof scan_eof_of(const struct diag_socket *socket)
{
	if (socket->look.state != TCP_CLOSE_WAIT)
		return SCAN_EOF_UNKNOWN;
	return socket->queue ? SCAN_EOF_UNREAD : SCAN_EOF_READ;
}

static int by_row(const void *left, const void *right)
{
	const struct scan_socket *a = left;
	const struct scan_socket *b = right;

	if (a->row != b->row)
		return a->row < b->row ? -1 : 1;
	return (a->fd > b->fd) - (a->fd < b->fd);
}

static int by_age(const void *left, const void *right)
{
	const struct scan_socket *a = left;
	const struct scan_socket *b = right;
	uint32_t one = socket_age(&a->row->socket).at_least;
	uint32_t other = socket_age(&b->row->socket).at_least;

	if (one != other)
		return one > other ? -1 : 1;
	return (a->fd > b->fd) - (a->fd < b->fd);
}

/* Descriptors that name the same socket are one, by the lowest. */
static void sort_unique(struct joining *joining)
{
	struct scan_socket *sockets = joining->sockets;
	size_t kept = 0;

	if (!joining->count)
		return;
	qsort(sockets, joining->count, sizeof(*sockets), by_row);
	for (size_t i = 0; i < joining->count; i++)
		if (!kept || sockets[i].row != sockets[kept - 1].row)
			sockets[kept++] = sockets[i];
	joining->count = kept;
	qsort(sockets, kept, sizeof(*sockets), by_age);
}

struct scan_process *scan_process_of(struct scan_work *work,
				     const struct proc_entry *entry,
				     const struct looked *looked)
{
	struct scan *scan = work->scan;
	struct scan_process *process;

	for (size_t i = 0; i < scan->count; i++)
		if (scan->processes[i].pid == entry->pid &&
		    scan->processes[i].start == entry->start)
			return &scan->processes[i];
	process = scan_grow(work, &scan->processes, &scan->count, &scan->room,
			    sizeof(*process));
	if (!process)
		return NULL;
	process->pid = entry->pid;
	process->start = entry->start;
	process->descriptors = looked->descriptors;
	process->incomplete = looked->incomplete;
	proc_entry_netns(entry, &process->netns);
	process->limit = proc_entry_fd_limit(entry);
	process->traced = proc_entry_maps(entry, LIBRARY);
	proc_entry_name(entry, process->name);
	proc_entry_command(entry, process->command, sizeof(process->command));
	return process;
}

static void take_over(struct scan_process *process, struct joining *joining)
{
	process->sockets = joining->sockets;
	process->count = joining->count;
	process->oldest = socket_age(&joining->sockets[0].row->socket);
	joining->sockets = NULL;
	for (size_t i = 0; i < process->count; i++) {
		const struct diag_socket *socket = &process->sockets[i].row->socket;

		process->eof[scan_eof_of(socket)]++;
		process->unread += socket->look.unread;
		process->sockets[i].row->holders++;
	}
}

/* Its listeners are among both, as the states are that were asked for. */
static uint64_t count_backlog(const struct joining *joining)
{
	struct scan_work *work = joining->work;
	pid_t pid = joining->entry->pid;
	uint64_t count = 0;

	for (size_t i = joining->unmatched_before; i < work->unmatched_count; i++)
		count += scan_backlog_of(work, work->unmatched[i].inode, pid);
	for (size_t i = 0; i < joining->count; i++)
		count += scan_backlog_of(work, joining->sockets[i].row->inode, pid);
	return count;
}

static void put_process(struct joining *joining, const struct looked *looked)
{
	uint64_t unaccepted = count_backlog(joining);
	struct scan_process *process;

	if (!joining->count && !unaccepted)
		return;
	process = scan_process_of(joining->work, joining->entry, looked);
	if (!process)
		return;
	process->unaccepted = unaccepted;
	if (joining->count)
		take_over(process, joining);
}

/* A refusal midway: the process has become another user's (it ran a set-uid program). What was
 * seen before is true. */
static int join(struct joining *joining)
{
	struct scan_work *work = joining->work;
	struct scan *scan = work->scan;
	struct looked *looked;
	uint64_t descriptors;
	int error = proc_entry_each_socket(joining->entry, visit_socket, joining,
					   &descriptors);

	scan_step(work, SCAN_READ, joining->entry->pid);
	if (!proc_entry_is_same(joining->entry, work->source->proc) ||
	    (error && !scan_is_refusal(error))) {
		scan->changed++;
		work->unmatched_count = joining->unmatched_before;
		return -ESRCH;
	}
	scan->looked_at += !error;
	scan->hidden.processes += error != 0;
	looked = scan_grow(work, &work->looked, &work->looked_count, &work->looked_room,
			   sizeof(*looked));
	if (!looked)
		return -ENOMEM;
	*looked = (struct looked){joining->entry->pid, error != 0, joining->entry->start,
				  descriptors};
	sort_unique(joining);
	put_process(joining, looked);
	return descriptors ? 0 : error;
}

int scan_join(struct scan_work *work, pid_t pid)
{
	struct proc_entry entry;
	struct joining joining = {work, &entry, NULL, 0, 0, work->unmatched_count};
	int error = proc_entry_open(&entry, work->source->proc, pid);

	if (error) {
		work->scan->hidden.processes += scan_is_refusal(error);
		return error;
	}
	scan_step(work, SCAN_OPENED, pid);
	error = join(&joining);
	free(joining.sockets);
	proc_entry_close(&entry);
	return error;
}
