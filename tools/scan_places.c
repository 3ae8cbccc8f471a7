/* SPDX-License-Identifier: MIT */
/* The network namespaces that processes are in, and asking each once. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "cleanup.h"
#include "scan_parts.h"

static void add(struct scan_work *work, pid_t pid, uint64_t netns)
{
	struct place *place = scan_grow(work, &work->places, &work->place_count,
					&work->place_room, sizeof(*place));

	if (place)
		*place = (struct place){netns, pid};
}

static void add_process(struct scan_work *work, pid_t pid)
{
	struct proc_entry entry;
	uint64_t netns;

	if (proc_entry_open(&entry, work->source->proc, pid) < 0)
		return;
	if (proc_entry_netns(&entry, &netns) == 0)
		add(work, pid, netns);
	proc_entry_close(&entry);
}

static void add_all(struct scan_work *work)
{
	int fd = openat(work->source->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR DIR *proc = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (fd >= 0 && !proc)
		close(fd);
	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)*entry->d_name))
			add_process(work, (pid_t)strtol(entry->d_name, NULL, 10));
}

static int by_netns(const void *left, const void *right)
{
	const struct place *a = left;
	const struct place *b = right;

	if (a->netns != b->netns)
		return a->netns < b->netns ? -1 : 1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

/* This process is among those of /proc, and its namespace with them. */
void scan_list_places(struct scan_work *work)
{
	if (work->scan->request.pid)
		add_process(work, work->scan->request.pid);
	else
		add_all(work);
	if (work->place_count)
		qsort(work->places, work->place_count, sizeof(*work->places), by_netns);
}

/* Any process of it will do; one may have ended meanwhile. Sets *end behind them. */
static int query_place(struct scan_work *work, struct socket_table *table,
		       const struct diag_wanted *wanted, size_t first, size_t *end)
{
	const struct scan_source *source = work->source;
	uint64_t netns = work->places[first].netns;
	int error = -ESRCH;
	size_t i;

	for (i = first; i < work->place_count && work->places[i].netns == netns; i++)
		if (error == -ESRCH)
			error = socket_table_add(table, source->query, source->context,
						 work->places[i].pid, netns, wanted);
	*end = i;
	return error;
}

/* A namespace whose processes have all ended is no loss. */
int scan_query(struct scan_work *work, struct socket_table *table,
	       const struct diag_wanted *wanted, uint64_t *asked, uint64_t *refused)
{
	int error = 0;

	*asked = *refused = 0;
	for (size_t i = 0; i < work->place_count && !error;) {
		error = query_place(work, table, wanted, i, &i);
		*asked += !error;
		*refused += scan_is_refusal(error);
		if (!work->scan->request.pid &&
		    (error == -ESRCH || scan_is_refusal(error)))
			error = 0;
	}
	return error;
}
