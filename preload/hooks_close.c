/* SPDX-License-Identifier: MIT */
/* Hooks of the calls that close and copy descriptors. */
#include <limits.h>
#include <stdarg.h>

#include "double_close.h"
#include "hooks.h"
#include "lifecycle.h"
#include "rare.h"
#include "sys.h"

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1u << 1) /* <linux/close_range.h> */
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1u << 2) /* <linux/close_range.h> */
#endif

HOT CW_HOOK int close(int fd)
{
	struct closing c = lifecycle_release(fd);
	int r = real_get()->close(fd);

	lifecycle_close_ended(&c, r);
	return r;
}

static void close_one(void *context, struct books *b, int fd, uint64_t entry)
{
	struct closing c = lifecycle_release(fd);

	(void)context;
	(void)b;
	(void)entry;
	lifecycle_closed(&c);
}

static void found_one(void *context, struct books *b, int fd, uint64_t entry)
{
	(void)b;
	(void)fd;
	(void)entry;
	*(bool *)context = true;
}

/* Would the kernel do it? Asked with the one number that no descriptor can have, and without
 * taking the program's table apart. */
static bool close_range_works(unsigned flags)
{
	return sys_call(SYS_close_range, UINT_MAX, UINT_MAX, flags & ~CLOSE_RANGE_UNSHARE,
			0) == 0;
}

/* Many at once can fail only as a whole, and that is known beforehand; so each is let go
 * first. */
static void release_range(unsigned first, unsigned last, unsigned flags)
{
	struct books *b = books_here();
	bool any = false;

	if (!b || first > last || flags & CLOSE_RANGE_CLOEXEC)
		return;
	fd_each(b, first, last, found_one, &any);
	if (any && !close_range_works(flags))
		return;
	double_close_others(b, first, last);
	if (any)
		fd_each(b, first, last, close_one, NULL);
}

/* With other threads CLOSE_RANGE_UNSHARE leaves them the descriptors: nothing of theirs is
 * closed, and what this thread does from now on is to a table of its own. */
CW_HOOK int close_range(unsigned first, unsigned last, int flags)
{
	bool leaves = (unsigned)flags & CLOSE_RANGE_UNSHARE && books_shared_by_threads();
	int r;

	if (!real_get()->close_range) {
		errno = ENOSYS;
		return -1;
	}
	if (!leaves)
		release_range(first, last, (unsigned)flags);
	r = real_get()->close_range(first, last, flags);
	if (r == 0 && leaves)
		books_leave();
	return r;
}

CW_HOOK void closefrom(int first)
{
	struct books *b = books_here();
	unsigned from = first > 0 ? (unsigned)first : 0;

	if (b) {
		double_close_others(b, from, UINT_MAX);
		fd_each(b, from, UINT_MAX, close_one, NULL);
	}
	if (real_get()->closefrom)
		real_get()->closefrom(first);
}

CW_HOOK int dup(int fd)
{
	uint64_t entry = lifecycle_entry(fd);
	int copy = real_get()->dup(fd);

	if (copy >= 0 && entry)
		lifecycle_duplicated(copy, entry);
	return copy;
}

/* The target is closed by the kernel on the way, unless the call fails or both are the
 * same. */
static int dup_ended(struct closing *target, uint64_t entry, int r)
{
	int saved = errno;

	if (r < 0)
		lifecycle_reclaim(target);
	else
		lifecycle_closed(target);
	if (r >= 0 && entry)
		lifecycle_duplicated(r, entry);
	errno = saved;
	return r;
}

CW_HOOK int dup2(int from, int to)
{
	uint64_t entry = lifecycle_entry(from);
	struct closing target;

	if (from == to)
		return real_get()->dup2(from, to);
	target = lifecycle_release(to);
	return dup_ended(&target, entry, real_get()->dup2(from, to));
}

CW_HOOK int dup3(int from, int to, int flags)
{
	uint64_t entry = lifecycle_entry(from);
	struct closing target;

	if (from == to)
		return real_get()->dup3(from, to, flags);
	target = lifecycle_release(to);
	return dup_ended(&target, entry, real_get()->dup3(from, to, flags));
}

static int control(int (*next)(int, int, ...), int fd, int command, void *argument)
{
	bool copies = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
	uint64_t entry = copies ? lifecycle_entry(fd) : 0;
	int r = next(fd, command, argument);

	if (r >= 0 && entry)
		lifecycle_duplicated(r, entry);
	return r;
}

/* The third argument is an int, a pointer or nothing: a word wide enough for each is
 * passed on. */
CW_HOOK int fcntl(int fd, int command, ...)
{
	va_list ap;
	void *argument;

	va_start(ap, command);
	argument = va_arg(ap, void *);
	va_end(ap);
	return control(real_get()->fcntl, fd, command, argument);
}

CW_HOOK int fcntl64(int fd, int command, ...)
{
	va_list ap;
	void *argument;

	va_start(ap, command);
	argument = va_arg(ap, void *);
	va_end(ap);
	return control(real_get()->fcntl64 ? real_get()->fcntl64 : real_get()->fcntl, fd,
		       command, argument);
}

CW_HOOK FILE *fdopen(int fd, const char *mode)
{
	FILE *file = real_get()->fdopen(fd, mode);

	if (file)
		lifecycle_stdio(fd);
	return file;
}

/* glibc closes inside, where no hook sees it. */
CW_HOOK int fclose(FILE *file)
{
	int saved = errno;
	int fd = file ? fileno(file) : -1;
	struct closing c = {0};
	int r;

	errno = saved;
	if (fd >= 0)
		c = lifecycle_release(fd);
	r = real_get()->fclose(file);
	if (fd >= 0) {
		saved = errno;
		lifecycle_closed(&c);
		errno = saved;
	}
	return r;
}
