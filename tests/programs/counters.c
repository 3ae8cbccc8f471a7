/* SPDX-License-Identifier: MIT */
/*
 * Adds up the counters of all processes in the traces given, and prints each sum.
 *
 * Usage: counters TRACE …
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

static void add_process(const struct cw_process *p)
{
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
	for (int i = 1; i < argc; i++) {
		if (add_file(argv[i])) {
			fprintf(stderr, "counters: %s is no trace\n", argv[i]);
			return 1;
		}
	}
	printf("processes %ju\nopened %ju\nclosed %ju\ngone %ju\nunwound %ju\n"
	       "audited %ju\naudit_differences %ju\n",
	       sum.processes, sum.opened, sum.closed, sum.gone, sum.unwound, sum.audited,
	       sum.audit_differences);
	for (int i = 0; i < CW_LOST_KINDS; i++)
		printf("lost_%d %ju\n", i, sum.lost[i]);
	return 0;
}
