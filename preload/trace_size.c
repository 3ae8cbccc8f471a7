/* SPDX-License-Identifier: MIT */
/* Chooses the trace's size. */
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "sys.h"
#include "trace/format.h"
#include "trace_size.h"

/* Bytes: the record of a socket, what an extent of them leaves over, and its descriptor's entry, and a
 * tenth more for what few of them have. */
#define EACH 168u
/* Bytes: what does not grow with the sockets, as sites, processes and looks. */
#define REST (16u << 20)

/* Bytes: what Linux lets everybody lock (MLOCK_LIMIT of <linux/resource.h>, 8 MiB). Where it is
 * more, somebody means to lock memory. */
#define LOCKED_BY_ALL (8ull << 20)

static_assert(CW_FD_MAX * (unsigned long long)EACH + REST <= CW_TRACE_SIZE_MAX,
	      "all that can be open must fit");

static unsigned long long limit_of(int resource)
{
	struct rlimit limit;

	return sys_call(SYS_prlimit64, 0, resource, NULL, &limit) == 0 ? limit.rlim_cur
								       : 0;
}

/* After mlockall(MCL_FUTURE) a new page is there before it is touched. */
static bool new_memory_is_locked(void)
{
	unsigned char there = 0;
	void *page =
		sys_mmap(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (!page)
		return true;
	sys_call(SYS_mincore, page, 1, &there, 0);
	sys_munmap(page, 4096);
	return there & 1;
}

/* mlockall() makes all of a sparse mapping resident, and address space that is limited is the
 * program's. */
static bool must_be_small(void)
{
	return limit_of(RLIMIT_AS) != RLIM_INFINITY ||
	       limit_of(RLIMIT_MEMLOCK) > LOCKED_BY_ALL || new_memory_is_locked();
}

size_t trace_size_wanted(void)
{
	unsigned long long files = limit_of(RLIMIT_NOFILE);
	size_t size;

	if (files > CW_FD_MAX)
		files = CW_FD_MAX;
	size = (size_t)(files * EACH + REST) & ~(size_t)(CW_EXTENT_SIZE - 1);
	return size > CW_TRACE_SIZE_DEFAULT && !must_be_small() ? size
								: CW_TRACE_SIZE_DEFAULT;
}
