/* SPDX-License-Identifier: MIT */
/* Looking for traces in directories and in the memory maps of processes. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "complain.h"
#include "trace_find.h"

#define SUFFIX ".cwtrace"

static bool has_suffix(const char *name, const char *suffix)
{
	size_t size = strlen(name);
	size_t end = strlen(suffix);

	return size > end && strcmp(name + size - end, suffix) == 0;
}

static int add_path(struct trace_list *list, const char *path)
{
	char **paths = reallocarray(list->paths, list->count + 1, sizeof(*paths));
	char *copy = strdup(path);

	if (paths)
		list->paths = paths;
	if (!paths || !copy) {
		free(copy);
		return -1;
	}
	list->paths[list->count++] = copy;
	return 0;
}

/* Traces in `path`, and in its directories down to `depth`. */
static int search_directory(struct trace_list *list, const char *path, int depth)
{
	AUTO_DIR DIR *dir = opendir(path);
	struct dirent *entry;
	char below[PATH_MAX];
	struct stat st;

	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >=
			    (int)sizeof(below))
			continue;
		if (has_suffix(entry->d_name, SUFFIX)) {
			if (add_path(list, below) < 0)
				return -1;
		} else if (depth && lstat(below, &st) == 0 && S_ISDIR(st.st_mode)) {
			search_directory(list, below, depth - 1);
		}
	}
	return 0;
}

/* The bytes of a path that name its directory. */
static size_t directory_size(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

static time_t directory_changed(const char *path)
{
	char directory[PATH_MAX];
	struct stat st = {0};

	snprintf(directory, sizeof(directory), "%.*s", (int)directory_size(path), path);
	stat(directory, &st);
	return st.st_mtime;
}

/* The newest session first; of one session the traces in the order of their names. */
static int newest_first(const void *left, const void *right)
{
	const char *const *a = left;
	const char *const *b = right;
	time_t changed_a, changed_b;

	if (trace_find_same_session(*a, *b))
		return strcmp(*a, *b);
	changed_a = directory_changed(*a);
	changed_b = directory_changed(*b);
	if (changed_a != changed_b)
		return changed_a < changed_b ? 1 : -1;
	return strcmp(*b, *a);
}

bool trace_find_same_session(const char *a, const char *b)
{
	size_t size = directory_size(a);

	return size == directory_size(b) && strncmp(a, b, size) == 0;
}

static int find_in_directory(struct trace_list *list, const char *what)
{
	char path[PATH_MAX];
	size_t size = (size_t)snprintf(path, sizeof(path), "%s", what);

	if (size >= sizeof(path)) {
		complain_errno(what, ENAMETOOLONG);
		return -1;
	}
	while (size > 1 && path[size - 1] == '/')
		path[--size] = '\0';
	if (search_directory(list, path, 1) < 0 && !list->count) {
		complain_errno(path, errno);
		return -1;
	}
	if (!list->count) {
		complain(path, "no traces in this directory");
		return -1;
	}
	qsort(list->paths, list->count, sizeof(*list->paths), newest_first);
	return 0;
}

/* map_files reaches a deleted trace too, and one in another mount namespace; without the
 * privilege for that, the process's root does for most. */
static int add_mapping(struct trace_list *list, pid_t pid, const char *range,
		       const char *path)
{
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "/proc/%d/map_files/%s", pid, range);
	if (access(name, R_OK) < 0)
		snprintf(name, sizeof(name), "/proc/%d/root%s", pid, path);
	return add_path(list, name);
}

static void cut_suffix(char *text, const char *suffix)
{
	if (has_suffix(text, suffix))
		text[strlen(text) - strlen(suffix)] = '\0';
}

static int search_maps(struct trace_list *list, pid_t pid, FILE *maps)
{
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	char range[64];
	int error = 0;

	while (!error && getline(&line, &room, maps) >= 0) {
		char *path = strchr(line, '/');

		if (!path || sscanf(line, "%63s", range) != 1)
			continue;
		path[strcspn(path, "\n")] = '\0';
		cut_suffix(path, " (deleted)");
		if (has_suffix(path, SUFFIX))
			error = add_mapping(list, pid, range, path);
	}
	return error;
}

static int find_of_process(struct trace_list *list, pid_t pid, const char *what)
{
	AUTO_FILE FILE *maps = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps) {
		complain(what, errno == ENOENT
				       ? "no such process; of one that has ended, "
					 "name the trace or its directory"
				       : strerror(errno));
		return -1;
	}
	if (search_maps(list, pid, maps) < 0 || !list->count) {
		complain(what, "this process writes no trace: it was not started with "
			       "closewait, or has opened no socket");
		return -1;
	}
	list->pid = pid;
	return 0;
}

static pid_t as_pid(const char *what)
{
	char *end;
	long pid = strtol(what, &end, 10);

	return *what && !*end && pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

int trace_find(struct trace_list *list, const char *what)
{
	struct stat st;

	*list = (struct trace_list){0};
	if (stat(what, &st) < 0) {
		if (as_pid(what))
			return find_of_process(list, as_pid(what), what);
		complain_errno(what, errno);
		return -1;
	}
	if (S_ISDIR(st.st_mode))
		return find_in_directory(list, what);
	return add_path(list, what);
}

int trace_find_session(struct trace_list *list, const char *session)
{
	*list = (struct trace_list){0};
	if (search_directory(list, session, 0) < 0)
		return -1;
	if (list->count)
		qsort(list->paths, list->count, sizeof(*list->paths), newest_first);
	return 0;
}

void trace_list_free(struct trace_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->paths[i]);
	free(list->paths);
	*list = (struct trace_list){0};
}
