/* SPDX-License-Identifier: MIT */
/* A scan's looks, one after the other: the tables first, then who holds what is in them. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "scan_parts.h"

static int query_kernel(void *context, pid_t pid, uint64_t netns,
			const struct diag_wanted *wanted, diag_visit *visit,
			void *visit_context)
{
	(void)context;
	return diag_tcp(pid, netns, wanted, visit, visit_context);
}

static enum unlisted look_unlisted(void *context, const struct proc_entry *entry, int fd,
				   uint64_t inode, uint32_t *state)
{
	(void)context;
	return unlisted_look(entry, fd, inode, state);
}

const struct scan_source scan_source_kernel = {
	.proc = -1,
	.query = query_kernel,
	.unlisted = look_unlisted,
};

void *scan_grow(struct scan_work *work, void *items, size_t *count, size_t *room,
		size_t size)
{
	char **array = items;

	if (*count == *room) {
		size_t more = *room ? 2 * *room : 16;
		char *grown = reallocarray(*array, more, size);

		if (!grown) {
			work->failed = true;
			return NULL;
		}
		*array = grown;
		*room = more;
	}
	return memset(*array + (*count)++ * size, 0, size);
}

void scan_step(const struct scan_work *work, enum scan_step step, pid_t pid)
{
	if (work->source->step)
		work->source->step(work->source->context, step, pid);
}

static int by_pid(const void *left, const void *right)
{
	const struct looked *a = left;
	const struct looked *b = right;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

const struct looked *scan_looked_find(const struct scan_work *work, size_t count,
				      pid_t pid)
{
	const struct looked key = {.pid = pid};

	return count ? bsearch(&key, work->looked, count, sizeof(key), by_pid) : NULL;
}

void scan_looked_sort(struct scan_work *work)
{
	if (work->looked_count)
		qsort(work->looked, work->looked_count, sizeof(*work->looked), by_pid);
}

/* Those that were not looked at yet. */
static void join_all(struct scan_work *work)
{
	int fd = openat(work->source->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR DIR *proc = fd < 0 ? NULL : fdopendir(fd);
	size_t before = work->looked_count;
	struct dirent *entry;

	if (fd >= 0 && !proc)
		close(fd);
	scan_looked_sort(work);
	while (proc && (entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && isdigit((unsigned char)*entry->d_name) &&
		    !scan_looked_find(work, before, pid))
			scan_join(work, pid);
	}
}

static bool any_unheld(const struct scan *scan)
{
	for (size_t i = 0; i < scan->table.count; i++)
		if (!scan->table.rows[i].holders && !scan->table.rows[i].young)
			return true;
	return false;
}

/* What no process was seen to hold was perhaps closed since, or went to a new process. */
static void look_again(struct scan_work *work)
{
	struct scan *scan = work->scan;
	const struct diag_wanted wanted = {scan->request.states, .brief = true};
	struct socket_table now = {0};
	uint64_t asked, refused;

	if (!any_unheld(scan))
		return;
	join_all(work);
	if (scan_query(work, &now, &wanted, &asked, &refused) == 0) {
		socket_table_sort(&now);
		for (size_t i = 0; i < scan->table.count; i++) {
			const struct table_row *row = &scan->table.rows[i];
			const struct table_row *still =
				socket_table_find(&now, row->inode);

			if (!row->holders && !row->young && still &&
			    still->socket.cookie == row->socket.cookie)
				scan->hidden.sockets++;
		}
	}
	socket_table_free(&now);
}

static int by_count(const void *left, const void *right)
{
	const struct scan_process *a = left;
	const struct scan_process *b = right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->unaccepted != b->unaccepted)
		return a->unaccepted > b->unaccepted ? -1 : 1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

static void finish(struct scan *scan)
{
	if (scan->count)
		qsort(scan->processes, scan->count, sizeof(*scan->processes), by_count);
	for (size_t i = 0; i < scan->table.count; i++) {
		const struct table_row *row = &scan->table.rows[i];

		if (row->young)
			scan->young += !scan->request.pid || row->holders;
		else
			scan->sockets += row->holders > 0;
	}
}

static int take(struct scan_work *work)
{
	struct scan *scan = work->scan;
	/* Whose a connection is that nobody has accepted, its listener tells. */
	const struct diag_wanted wanted = {scan->request.states | 1u << TCP_LISTEN,
					   false};
	int error;

	scan_list_places(work);
	/* We at least should be there: that no socket was found would say nothing. */
	if (!scan->request.pid && !work->place_count)
		return work->failed ? -ENOMEM : -ENOENT;
	scan_step(work, SCAN_LISTED, 0);
	error = scan_query(work, &scan->table, &wanted, &scan->namespaces,
			   &scan->hidden.namespaces);
	if (error)
		return error;
	scan_step(work, SCAN_QUERIED, 0);
	scan_sift(work);
	if (scan->request.pid)
		error = scan_join(work, scan->request.pid);
	else
		join_all(work);
	if (error)
		return error;
	scan_step(work, SCAN_JOINED, 0);
	if (!scan->request.pid)
		look_again(work);
	scan_backlog_finish(work);
	scan_find_detached(work);
	finish(scan);
	return work->failed ? -ENOMEM : 0;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
}

int scan_take(struct scan *scan, const struct scan_request *request,
	      const struct scan_source *source)
{
	struct scan_work work = {.scan = scan, .source = source};
	uint64_t begin = clock_ns(CLOCK_MONOTONIC);
	int error;

	*scan = (struct scan){.request = *request, .taken = clock_ns(CLOCK_REALTIME)};
	error = take(&work);
	scan->took = clock_ns(CLOCK_MONOTONIC) - begin;
	socket_table_free(&work.listeners);
	socket_table_free(&work.backlog);
	free(work.places);
	free(work.unmatched);
	free(work.looked);
	return error;
}

bool scan_found(const struct scan *scan)
{
	return scan->sockets || scan->unaccepted || scan->orphaned ||
	       scan->hidden.sockets || scan->hidden.elsewhere;
}

void scan_free(struct scan *scan)
{
	for (size_t i = 0; i < scan->count; i++) {
		free(scan->processes[i].sockets);
		free(scan->processes[i].detached);
	}
	free(scan->processes);
	socket_table_free(&scan->table);
	*scan = (struct scan){0};
}
