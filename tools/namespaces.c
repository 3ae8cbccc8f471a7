/* SPDX-License-Identifier: MIT */
/* Following the processes of a session through the network namespaces. */
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "host_process.h"
#include "loaded.h"
#include "namespaces.h"
#include "proc_entry.h"

/* More than this of one session are not asked. */
#define NAMESPACES_MAX 64u

/* A process of the session that lived when it was last looked at. */
struct inhabitant {
	pid_t pid;
	uint64_t start;
};

struct namespaces {
	const char *session;
	struct namespace items[NAMESPACES_MAX];
	size_t count;
	struct inhabitant *inhabitants;
	size_t inhabitant_count;
	size_t images; /* of the list that have been taken in */
	off_t list_size;
};

struct namespaces *namespaces_open(const char *session)
{
	struct namespaces *namespaces = calloc(1, sizeof(*namespaces));

	if (namespaces)
		namespaces->session = session;
	return namespaces;
}

void namespaces_close(struct namespaces *namespaces)
{
	free(namespaces->inhabitants);
	free(namespaces);
}

void namespaces_add(struct namespaces *namespaces, pid_t pid, uint64_t start)
{
	struct inhabitant *all;

	if (!start)
		return;
	for (size_t i = 0; i < namespaces->inhabitant_count; i++)
		if (namespaces->inhabitants[i].pid == pid &&
		    namespaces->inhabitants[i].start == start)
			return;
	all = reallocarray(namespaces->inhabitants, namespaces->inhabitant_count + 1,
			   sizeof(*all));
	if (!all)
		return;
	namespaces->inhabitants = all;
	all[namespaces->inhabitant_count++] = (struct inhabitant){pid, start};
}

/* The list only grows: it is read again when it has. */
static void take_in(struct namespaces *namespaces)
{
	struct loaded_list list;
	struct stat st;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" CW_LOADED_NAME, namespaces->session);
	if (stat(path, &st) < 0 || st.st_size == namespaces->list_size)
		return;
	namespaces->list_size = st.st_size;
	if (loaded_list_read(&list, namespaces->session) == 0) {
		for (size_t i = namespaces->images; i < list.count; i++)
			namespaces_add(namespaces, list.images[i].pid,
				       list.images[i].start);
		namespaces->images = list.count;
	}
	loaded_list_free(&list);
}

static void inhabit(struct namespaces *namespaces, pid_t pid, uint64_t inode)
{
	struct namespace *item = namespaces->items;
	struct namespace *end = item + namespaces->count;

	while (item < end && item->inode != inode)
		item++;
	if (item == end) {
		if (namespaces->count == NAMESPACES_MAX)
			return;
		namespaces->count++;
		*item = (struct namespace){.inode = inode};
	}
	item->pid = pid;
}

static void leave_empty(struct namespaces *namespaces)
{
	size_t kept = 0;

	for (size_t i = 0; i < namespaces->count; i++) {
		if (namespaces->items[i].pid)
			namespaces->items[kept++] = namespaces->items[i];
	}
	namespaces->count = kept;
}

/* Its number, or that of another of its threads if the main one has ended: that one is in no
 * namespace any more. 0: it has ended. */
static pid_t living_thread(const struct inhabitant *inhabitant)
{
	uint64_t start = host_process_start(inhabitant->pid);
	struct proc_entry entry;
	AUTO_FD int root = -1;
	pid_t thread = 0;

	if (start)
		return start == inhabitant->start ? inhabitant->pid : 0;
	root = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || proc_entry_open(&entry, root, inhabitant->pid) < 0)
		return 0;
	if (entry.start >= inhabitant->start)
		thread = entry.thread;
	proc_entry_close(&entry);
	return thread;
}

void namespaces_refresh(struct namespaces *namespaces)
{
	size_t kept = 0;

	take_in(namespaces);
	for (size_t i = 0; i < namespaces->count; i++)
		namespaces->items[i].pid = 0;
	for (size_t i = 0; i < namespaces->inhabitant_count; i++) {
		struct inhabitant inhabitant = namespaces->inhabitants[i];
		pid_t thread = living_thread(&inhabitant);
		char path[64];
		struct stat st;

		if (!thread)
			continue;
		namespaces->inhabitants[kept++] = inhabitant;
		snprintf(path, sizeof(path), "/proc/%d/ns/net", thread);
		if (stat(path, &st) == 0)
			inhabit(namespaces, thread, st.st_ino);
	}
	namespaces->inhabitant_count = kept;
	leave_empty(namespaces);
}

struct namespace *namespaces_at(struct namespaces *namespaces, size_t n)
{
	return n < namespaces->count ? &namespaces->items[n] : NULL;
}
