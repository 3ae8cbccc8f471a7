/* SPDX-License-Identifier: MIT */
/* Finds the rings of io_uring. */
#include <string.h>

#include "fd_table.h"
#include "proc.h"
#include "sys.h"
#include "text_build.h"
#include "trust.h"
#include "uring.h"

/* What the kernel calls a ring in /proc/PID/fd. */
#define RING "anon_inode:[io_uring]"

/* Who holds so many descriptors that are no sockets is not asked about more of them. */
#define ASKED 1024

static _Atomic bool noted;

void uring_tell(struct cw_process *process)
{
	if (atomic_load_explicit(&noted, memory_order_relaxed))
		atomic_fetch_or(&process->flags, CW_PROCESS_URING);
}

void uring_note(void)
{
	struct books *b = books_here();

	atomic_store(&noted, true);
	trust_ends();
	if (b)
		uring_tell(b->process);
}

struct walk {
	struct books *b;
	int left;
};

static int number_of(const char *name)
{
	int fd = 0;

	for (; *name >= '0' && *name <= '9'; name++)
		fd = fd * 10 + (*name - '0');
	return fd;
}

static void look_at(void *context, const char *name)
{
	struct walk *walk = context;
	char path[32];
	char target[sizeof RING];
	struct text_build t = text_build_in(path, sizeof path);
	long size;

	if (!walk->left || noted || fd_entry(walk->b, number_of(name)))
		return;
	walk->left--;
	text_build_string(&t, "/proc/self/fd/");
	text_build_string(&t, name);
	size = sys_call(SYS_readlinkat, AT_FDCWD, path, target, sizeof target);
	if (size == sizeof RING - 1 && memcmp(target, RING, sizeof RING - 1) == 0)
		uring_note();
}

void uring_look(struct books *b)
{
	struct walk walk = {.b = b, .left = ASKED};

	if (!noted)
		proc_each_entry("/proc/self/fd", look_at, &walk);
}
