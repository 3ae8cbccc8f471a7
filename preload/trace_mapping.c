/* SPDX-License-Identifier: MIT */
/* Maps the trace. */
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "notice.h"
#include "sys.h"
#include "trace_mapping.h"
#include "trace_size.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Without MADV_POPULATE_WRITE (before Linux 5.14) all of the file is allocated at once,
 * so it is made smaller. */
#define ALLOCATED_SIZE (4u << 20)

/* What the report at exit takes: its stack, its text and its working memory. */
#define REPORT_ROOM (1u << 20)

/* What the file may be under RLIMIT_FSIZE: growing beyond it is a signal that kills. 0:
 * too small. */
static size_t allowed_size(size_t size)
{
	struct rlimit limit;

	if (sys_call(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) == 0 &&
	    limit.rlim_cur < size)
		size = limit.rlim_cur & ~(size_t)(CW_EXTENT_SIZE - 1);
	return size >= CW_TRACE_SIZE_MIN ? size : 0;
}

static bool commit_head(uint8_t *bytes, size_t size)
{
	size_t whole = (trace_head_size(size) + CW_EXTENT_SIZE - 1) &
		       ~(size_t)(CW_EXTENT_SIZE - 1);

	return sys_madvise(bytes, whole, MADV_POPULATE_WRITE) == 0;
}

/* The kernel finds the pages of a file for a fork's child by as many neighbours at a time as make this,
 * aligned (fault_around_bytes of mm/memory.c): so the few that a child uses are mostly one find. */
#define FOUND_TOGETHER (64ul << 10)

/* Maps it there if it can be had, or else anywhere. */
static uint8_t *map_aligned(size_t size, int fd)
{
	uint8_t *bytes = sys_mmap(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	size_t over = (uintptr_t)bytes % FOUND_TOGETHER;

	if (!over)
		return bytes;
	sys_munmap(bytes, size);
	return sys_mmap_near(bytes - over, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
}

bool trace_map_file(int fd, const char *where, struct trace_mapping *made)
{
	size_t size = allowed_size(trace_size_wanted());
	uint8_t *bytes;

	if (!size || sys_call(SYS_ftruncate, fd, size, 0, 0) != 0) {
		notice_add("the file size limit (ulimit -f) is too small for a trace",
			   WITHOUT_FILE, NULL);
		return false;
	}
	bytes = map_aligned(size, fd);
	if (!bytes) {
		notice_add("the trace file cannot be mapped (ulimit -v?)", WITHOUT_FILE,
			   NULL);
		return false;
	}
	made->populate = commit_head(bytes, size);
	if (!made->populate) {
		sys_munmap(bytes, size);
		size = size < ALLOCATED_SIZE ? size : ALLOCATED_SIZE;
		bytes = NULL;
		if (sys_call(SYS_ftruncate, fd, size, 0, 0) == 0 &&
		    sys_call(SYS_fallocate, fd, 0, 0, size) == 0)
			bytes = map_aligned(size, fd);
	}
	if (!bytes) {
		notice_add("no room for the trace in ", where, WITHOUT_FILE, NULL);
		return false;
	}
	made->bytes = bytes;
	made->size = size;
	return true;
}

/* Under a limit on address space some must be left for the report, and for the program. */
static bool report_fits(void)
{
	void *room = sys_mmap(REPORT_ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (room)
		sys_munmap(room, REPORT_ROOM);
	return room != NULL;
}

static size_t half(size_t size)
{
	return (size / 2) & ~(size_t)(CW_EXTENT_SIZE - 1);
}

bool trace_map_private(struct trace_mapping *made)
{
	for (size_t size = trace_size_wanted(); size >= CW_TRACE_SIZE_MIN;
	     size = half(size)) {
		uint8_t *bytes = sys_mmap(size, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1);

		if (bytes && !report_fits()) {
			sys_munmap(bytes, size);
			continue;
		}
		if (bytes) {
			*made = (struct trace_mapping){bytes, size, false};
			return true;
		}
	}
	notice_add("no memory for the trace (ulimit -v?): this process is not traced",
		   NULL);
	return false;
}
