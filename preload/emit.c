/* SPDX-License-Identifier: MIT */
/* Writes the report to standard error, to a file, or beside the trace. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

#include "emit.h"
#include "notice.h"
#include "options.h"
#include "quiet_write.h"
#include "sys.h"
#include "text_build.h"
#include "trace_file.h"

/* Address space, not memory: only what is written to is used. */
#define TEXT_MAX (16u << 20)
#define TEXT_MIN (16u << 10)
#define WAIT_MS  2000

static const char cut[] = "closewait: the report was cut here, it is too long\n";

static void put(void *context, const char *bytes, size_t size)
{
	struct emit_buffer *buffer = context;
	size_t room = buffer->room - sizeof cut;

	if (buffer->used >= room)
		return;
	if (size > room - buffer->used)
		size = room - buffer->used;
	memcpy(buffer->bytes + buffer->used, bytes, size);
	buffer->used += size;
	if (buffer->used == room) {
		memcpy(buffer->bytes + buffer->used, cut, sizeof cut - 1);
		buffer->used += sizeof cut - 1;
	}
}

bool emit_open(struct emit_buffer *buffer)
{
	buffer->used = 0;
	buffer->sink = (struct text_sink){put, buffer};
	/* Under ulimit -v a smaller one may still be had. */
	for (buffer->room = TEXT_MAX; buffer->room >= TEXT_MIN; buffer->room /= 4) {
		buffer->bytes = sys_mmap(buffer->room, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
		if (buffer->bytes)
			return true;
	}
	return false;
}

void emit_close(struct emit_buffer *buffer)
{
	sys_munmap(buffer->bytes, buffer->room);
}

static bool write_file(const char *path, const struct emit_buffer *buffer)
{
	int fd = sys_open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK,
			  0600);
	bool done;

	if (fd < 0)
		return false;
	done = quiet_write(fd, buffer->bytes, buffer->used);
	sys_close(fd);
	return done;
}

/* The user's FILE with its %p. */
static bool write_named(const struct emit_buffer *buffer)
{
	char path[sizeof options.report_file + 32];
	struct text_build b = text_build_in(path, sizeof path);

	for (const char *p = options.report_file; *p; p++) {
		if (p[0] == '%' && p[1] == 'p') {
			text_build_number(&b, (uint64_t)sys_getpid());
			p++;
		} else if (p[0] == '%' && p[1] == '%') {
			text_build_char(&b, *p++);
		} else {
			text_build_char(&b, *p);
		}
	}
	if (text_build_fits(&b) && write_file(path, buffer))
		return true;
	notice_add("cannot write the report to ", path, NULL);
	notice_flush();
	return false;
}

static void write_beside(const struct emit_buffer *buffer)
{
	char path[480];
	char suffix[40];
	struct text_build b = text_build_in(suffix, sizeof suffix);

	text_build_char(&b, '.');
	text_build_number(&b, (uint64_t)sys_getpid());
	text_build_string(&b, ".report.txt");
	trace_file_beside(path, sizeof path, suffix);
	if (path[0])
		write_file(path, buffer);
}

bool emit_wanted(void)
{
	/* A process without a file is not in the report of `closewait run`. */
	if (options.session[0] && trace_file_path()[0])
		return false;
	return options.report != REPORT_NONE;
}

void emit_report(const struct emit_buffer *buffer)
{
	if (options.report == REPORT_FILE && write_named(buffer))
		return;
	if (notice_stderr_same() && quiet_write(2, buffer->bytes, buffer->used))
		return;
	write_beside(buffer);
}
