/* SPDX-License-Identifier: MIT */
/* Removes the oldest ended sessions when there are too many. */
#include <string.h>

#include "kept.h"
#include "proc.h"
#include "sys.h"
#include "text_build.h"
#include "trace/format.h"

/* A session's name is PID-STARTTIME; what has another name is not ours to remove. Nor is all that
 * has one: 2024-01 is somebody's month. */
static bool session_alive(const char *name, bool *ours)
{
	uint64_t number[2] = {0, 0};
	int part = 0;

	*ours = false;
	for (const char *p = name; *p; p++) {
		if (*p == '-' && part == 0 && p != name)
			part = 1;
		else if (*p >= '0' && *p <= '9')
			number[part] = number[part] * 10 + (uint64_t)(*p - '0');
		else
			return true;
	}
	*ours = part == 1;
	return !*ours || proc_start_ticks_of(number[0]) == number[1];
}

static const char *skip_digits(const char *p)
{
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

/* PID.IMAGE.cwtrace, PID.IMAGE.report.txt, and what `closewait run` adds. */
static bool is_session_file(const char *name)
{
	const char *dot = skip_digits(name);
	const char *end = *dot == '.' ? skip_digits(dot + 1) : dot;

	if (strcmp(name, "session.json") == 0 || strcmp(name, CW_LOADED_NAME) == 0)
		return true;
	return dot > name && end > dot + 1 &&
	       (strcmp(end, ".cwtrace") == 0 || strcmp(end, ".report.txt") == 0);
}

struct survey {
	const char *base;
	const char *session; /* NULL: the entries are sessions, else its files */
	uint64_t bytes;
	uint64_t oldest; /* ns, mtime */
	char oldest_name[64];
	bool foreign; /* a file is no session's: neither is the directory */
	bool remove;
};

static void join(char *path, size_t room, const struct survey *s, const char *name)
{
	struct text_build b = text_build_in(path, room);

	text_build_string(&b, s->base);
	text_build_char(&b, '/');
	if (s->session) {
		text_build_string(&b, s->session);
		text_build_char(&b, '/');
	}
	text_build_string(&b, name);
	if (!text_build_fits(&b))
		path[0] = 0;
}

static void visit_file(void *context, const char *name)
{
	struct survey *s = context;
	char path[600];
	struct stat st;

	if (!is_session_file(name)) {
		s->foreign = true;
		return;
	}
	join(path, sizeof path, s, name);
	if (s->remove)
		sys_call(SYS_unlinkat, AT_FDCWD, path, 0, 0);
	else if (sys_call(SYS_newfstatat, AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		s->bytes += (uint64_t)st.st_blocks * 512;
}

static void visit_session(void *context, const char *name)
{
	struct survey *s = context;
	struct survey files = {.base = s->base, .session = name};
	char path[600];
	struct stat st;
	bool ours;
	bool alive = session_alive(name, &ours);
	uint64_t ns;

	join(path, sizeof path, s, name);
	if (!ours || strlen(name) >= sizeof s->oldest_name ||
	    sys_call(SYS_newfstatat, AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISDIR(st.st_mode) || (st.st_mode & 077 && !(st.st_mode & S_ISVTX)))
		return;
	if (proc_each_entry(path, visit_file, &files) != 0 || files.foreign)
		return;
	s->bytes += files.bytes;
	if (alive)
		return;
	ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
	if (!s->oldest_name[0] || ns < s->oldest) {
		s->oldest = ns;
		strcpy(s->oldest_name, name);
	}
}

void kept_prune(const char *base)
{
	/* A few at a time: the next trace removes more. */
	for (int i = 0; i < 8; i++) {
		struct survey all = {.base = base};
		struct survey gone = {
			.base = base, .session = all.oldest_name, .remove = true};
		char path[600];

		if (proc_each_entry(base, visit_session, &all) != 0 ||
		    all.bytes <= KEPT_BYTES || !all.oldest_name[0])
			return;
		join(path, sizeof path, &all, all.oldest_name);
		proc_each_entry(path, visit_file, &gone);
		sys_call(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR, 0);
	}
}
