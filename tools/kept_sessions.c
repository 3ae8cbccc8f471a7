/* SPDX-License-Identifier: MIT */
/* The sessions that were kept. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "complain.h"
#include "host_process.h"
#include "session_dir.h"
#include "trace_load.h"

/* preload/kept.h has the same bound. */
#define KEPT_BYTES (256ull << 20)

/* "PID-STARTTIME", and nothing else. */
static bool parse_name(const char *name, pid_t *pid, uint64_t *start)
{
	char end;
	long number;

	if (sscanf(name, "%ld-%" SCNu64 "%c", &number, start, &end) != 2 || number <= 0 ||
	    number > INT_MAX)
		return false;
	*pid = (pid_t)number;
	return true;
}

static bool ends_with(const char *name, const char *end)
{
	size_t size = strlen(name);

	return size > strlen(end) && strcmp(name + size - strlen(end), end) == 0;
}

static bool any_process_lives(const struct trace_view *view)
{
	for (uint32_t i = 0; i < view->extent_count; i++) {
		const struct cw_process *process = trace_process(view, i);

		if (process && process->state == CW_PROCESS_LIVE &&
		    host_process_find(view->header, process))
			return true;
	}
	return false;
}

static bool trace_is_alive(const char *path)
{
	struct loaded_trace trace;
	bool alive;

	if (access(path, R_OK) < 0 || trace_load_silently(&trace, path) < 0)
		return false;
	alive = any_process_lives(&trace.view);
	trace_unload(&trace);
	return alive;
}

static void look_at_files(struct kept_session *session)
{
	AUTO_DIR DIR *dir = opendir(session->path);
	struct dirent *entry;
	char path[PATH_MAX];
	struct stat st;

	while (dir && (entry = readdir(dir))) {
		if (snprintf(path, sizeof(path), "%s/%s", session->path, entry->d_name) >=
			    (int)sizeof(path) ||
		    lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		session->bytes += (uint64_t)st.st_blocks * 512;
		if (st.st_mtime > session->changed)
			session->changed = st.st_mtime;
		if (!ends_with(entry->d_name, ".cwtrace"))
			continue;
		session->traces++;
		if (!session->alive)
			session->alive = trace_is_alive(path);
	}
}

static time_t changed(int fd)
{
	struct stat st = {0};

	fstat(fd, &st);
	return st.st_mtime;
}

static int add(struct kept_list *list, const char *base, const char *name)
{
	struct kept_session *sessions =
		reallocarray(list->sessions, list->count + 1, sizeof(*sessions));
	struct kept_session session = {0};
	uint64_t start;
	AUTO_FD int fd = -1;
	pid_t pid;

	if (!sessions)
		return -1;
	list->sessions = sessions;
	if (!parse_name(name, &pid, &start))
		return 0;
	if (asprintf(&session.path, "%s/%s", base, name) < 0)
		return -1;
	fd = session_open(session.path);
	if (fd < 0 || !session_is_one(fd)) {
		free(session.path);
		return 0;
	}
	session.changed = changed(fd);
	session.alive = host_process_start(pid) == start;
	look_at_files(&session);
	list->sessions[list->count++] = session;
	return 0;
}

static int take_base(struct kept_list *list, const char *base)
{
	AUTO_DIR DIR *dir = opendir(base);
	struct dirent *entry;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir) {
		complain_errno(base, errno);
		return -1;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.' && add(list, base, entry->d_name) < 0) {
			complain(base, "no memory");
			return -1;
		}
	}
	return 0;
}

static int newest_first(const void *left, const void *right)
{
	const struct kept_session *a = left;
	const struct kept_session *b = right;

	if (a->changed != b->changed)
		return a->changed < b->changed ? 1 : -1;
	return strcmp(b->path, a->path);
}

int kept_list_take(struct kept_list *list, const char *base)
{
	char path[PATH_MAX];
	int error = 0;

	*list = (struct kept_list){0};
	if (base)
		error = take_base(list, base);
	for (int i = 0; !base && i < SESSION_BASES; i++)
		if (session_base(i, path, sizeof(path)) && session_base_is_ours(path) &&
		    take_base(list, path) < 0)
			error = -1;
	if (list->count)
		qsort(list->sessions, list->count, sizeof(*list->sessions), newest_first);
	return error;
}

void kept_list_free(struct kept_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->sessions[i].path);
	free(list->sessions);
	*list = (struct kept_list){0};
}

void kept_prune(const char *base)
{
	struct kept_list list;
	uint64_t bytes = 0;

	if (kept_list_take(&list, base) < 0) {
		kept_list_free(&list);
		return;
	}
	for (size_t i = 0; i < list.count; i++)
		bytes += list.sessions[i].bytes;
	for (size_t i = list.count; bytes > KEPT_BYTES && i-- > 0;) {
		if (list.sessions[i].alive || session_remove(list.sessions[i].path) < 0)
			continue;
		bytes -= list.sessions[i].bytes;
	}
	kept_list_free(&list);
}
