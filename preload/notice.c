/* SPDX-License-Identifier: MIT */
/* Collects and writes the library's own messages. */
#include <stdarg.h>
#include <string.h>

#include "extents.h"
#include "lock.h"
#include "notice.h"
#include "quiet_write.h"
#include "rare.h"
#include "sys.h"

static char lines[sizeof(((struct cw_header *)0)->notes)];
static size_t used;
static size_t written;
static struct lock notice_lock;
static struct stat stderr_then;
static bool stderr_known;

static size_t append(char *line, size_t n, size_t room, const char *text)
{
	while (*text && n + 1 < room) {
		char c = *text++;

		line[n++] = c >= ' ' || c < 0 ? c : '?';
	}
	return n;
}

void notice_add(const char *first, ...)
{
	char line[400];
	size_t n = append(line, 0, sizeof line - 1, "closewait: ");
	va_list ap;

	va_start(ap, first);
	for (const char *s = first; s; s = va_arg(ap, const char *))
		n = append(line, n, sizeof line - 1, s);
	va_end(ap);
	line[n++] = '\n';
	line[n] = 0;
	if (!lock_take(&notice_lock))
		return;
	if (used + n < sizeof lines && !strstr(lines, line)) {
		memcpy(lines + used, line, n + 1);
		used += n;
	}
	lock_drop(&notice_lock);
}

HOT static void settle(bool write)
{
	if (written == used || !lock_take(&notice_lock))
		return;
	if (write && written < used && notice_stderr_same())
		quiet_write(2, lines + written, used - written);
	written = used;
	if (trace_map.header)
		memcpy(trace_map.header->notes, lines, used + 1);
	lock_drop(&notice_lock);
}

void notice_flush(void)
{
	settle(true);
}

void notice_keep(void)
{
	settle(false);
}

const char *notice_text(void)
{
	return lines;
}

/* The same socket as standard input? */
static bool stderr_is_stdin(void)
{
	struct stat in;

	return sys_fstat(0, &in) == 0 && in.st_dev == stderr_then.st_dev &&
	       in.st_ino == stderr_then.st_ino;
}

/* A server that inetd started has its client there. (journald's is an AF_UNIX socket, and one of
 * its own.) */
static bool stderr_is_connection(void)
{
	int domain = 0;
	socklen_t size = sizeof domain;

	if (sys_getsockopt(2, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0)
		return false;
	return domain != AF_UNIX || stderr_is_stdin();
}

void notice_stderr_remember(void)
{
	stderr_known = sys_fstat(2, &stderr_then) == 0 && !stderr_is_connection();
}

bool notice_stderr_same(void)
{
	struct stat now;

	return stderr_known && sys_fstat(2, &now) == 0 &&
	       now.st_dev == stderr_then.st_dev && now.st_ino == stderr_then.st_ino &&
	       now.st_rdev == stderr_then.st_rdev;
}
