/* SPDX-License-Identifier: MIT */
/*
 * Adds up the counters of all processes in the traces given, and prints each sum. With --each,
 * a line for each process that is still there, "PID OPENED CLOSED GONE", and one for the others,
 * "ended COUNT OPENED CLOSED".
 *
 * Usage: counters [--each] TRACE …
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/format.h"

static struct {
	uint64_t processes;
	uint64_t opened;
	uint64_t closed;
	uint64_t gone;
	uint64_t unwound;
	uint64_t audited;
	uint64_t audit_differences;
	uint64_t lost[CW_LOST_KINDS];
} sum;

static int each;

static void add_process(const struct cw_process *p)
{
	if (each && (p->state == CW_PROCESS_LIVE || p->state == CW_PROCESS_ENDED) &&
	    !(p->flags & CW_PROCESS_SITES_ONLY))
		printf("%u %ju %ju %ju\n", p->pid, (uintmax_t)p->opened,
		       (uintmax_t)p->closed, (uintmax_t)p->gone);
	sum.processes++;
	sum.opened += p->opened;
	sum.closed += p->closed;
	sum.gone += p->gone;
	sum.unwound += p->unwound;
	sum.audited += p->audited;
	sum.audit_differences += p->audit_differences;
	for (int i = 0; i < CW_LOST_KINDS; i++)
		sum.lost[i] += p->lost[i];
}

static int add_trace(const uint8_t *bytes, size_t size)
{
	const struct cw_header *h = (const void *)bytes;
	const struct cw_extent *extents = (const void *)(bytes + CW_EXTENT_TABLE_OFFSET);

	if (size < CW_TRACE_SIZE_MIN || memcmp(h->magic, CW_TRACE_MAGIC, sizeof h->magic))
		return -1;
	if (each)
		printf("ended %u %ju %ju\n", h->ended, (uintmax_t)h->ended_opened,
		       (uintmax_t)h->ended_closed);
	for (uint32_t i = 0; i < h->extent_count && i < size / CW_EXTENT_SIZE; i++) {
		if (cw_extent_kind(extents[i].tag) == CW_EXTENT_PROCESS)
			add_process((const void *)(bytes + (size_t)i * CW_EXTENT_SIZE));
	}
	return 0;
}

static int add_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *bytes;

	if (fd < 0 || fstat(fd, &st) || !st.st_size)
		return -1;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return bytes == MAP_FAILED ? -1 : add_trace(bytes, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
	each = argc > 1 && !strcmp(argv[1], "--each");
	for (int i = 1 + each; i < argc; i++) {
		if (add_file(argv[i])) {
			fprintf(stderr, "counters: %s is no trace\n", argv[i]);
			return 1;
		}
	}
	if (each)
		return 0;
	printf("processes %ju\nopened %ju\nclosed %ju\ngone %ju\nunwound %ju\n"
	       "audited %ju\naudit_differences %ju\n",
	       sum.processes, sum.opened, sum.closed, sum.gone, sum.unwound, sum.audited,
	       sum.audit_differences);
	for (int i = 0; i < CW_LOST_KINDS; i++)
		printf("lost_%d %ju\n", i, sum.lost[i]);
	return 0;
}
