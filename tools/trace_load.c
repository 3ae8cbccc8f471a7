/* SPDX-License-Identifier: MIT */
/* Reading a sparse trace without its holes. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "complain.h"
#include "trace_load.h"

/* Far beyond what the library makes: something else is not read into memory whole. */
#define SIZE_LIMIT (1ll << 30)

/* Returns the bytes read up to `end`, or where the file ends by now, or -errno. */
static off_t read_range(int fd, char *bytes, off_t start, off_t end)
{
	while (start < end) {
		ssize_t got = pread(fd, bytes + start, (size_t)(end - start), start);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		start += got;
	}
	return start;
}

/* Holes are zero in fresh memory already. */
static int read_data(int fd, char *bytes, off_t size)
{
	off_t at = 0;

	while (at < size) {
		off_t data = lseek(fd, at, SEEK_DATA);
		off_t hole;

		if (data < 0 && errno == ENXIO)
			return 0;
		if (data < 0)
			data = at; /* the file system knows no holes */
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0 || hole > size)
			hole = size;
		at = read_range(fd, bytes, data, hole);
		if (at < 0)
			return (int)at;
		if (at < hole)
			return 0;
	}
	return 0;
}

static const char *cause_of(int error)
{
	switch (error) {
	case -ENODATA:
		return "empty: the process ended before it had recorded anything";
	case -EBADMSG:
		return "not a closewait trace";
	default:
		return "a trace of another closewait: this command reads version 1 of this "
		       "machine's byte order";
	}
}

static int read_file(struct loaded_trace *trace, int fd, const char *name)
{
	struct stat st;
	int error;

	if (fstat(fd, &st) < 0) {
		complain_errno(name, errno);
		return -1;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > SIZE_LIMIT) {
		complain(name, "not a closewait trace");
		return -1;
	}
	if (!st.st_size) {
		complain(name, cause_of(-ENODATA));
		return -1;
	}
	trace->mapped_size = (size_t)st.st_size;
	trace->bytes = mmap(NULL, trace->mapped_size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (trace->bytes == MAP_FAILED) {
		trace->bytes = NULL;
		complain(name, "no memory to read it into");
		return -1;
	}
	error = read_data(fd, trace->bytes, st.st_size);
	if (error)
		complain_errno(name, -error);
	return error ? -1 : 0;
}

int trace_load(struct loaded_trace *trace, const char *path, const char *name)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int error;

	*trace = (struct loaded_trace){0};
	if (fd < 0) {
		complain_errno(name, errno);
		return -1;
	}
	if (read_file(trace, fd, name) < 0) {
		trace_unload(trace);
		return -1;
	}
	error = trace_view_open(&trace->view, trace->bytes, trace->mapped_size);
	if (error) {
		complain(name, cause_of(error));
		trace_unload(trace);
		return -1;
	}
	if (trace_view_truncated(&trace->view))
		complain(name, "truncated: what is whole in it is shown");
	return 0;
}

void trace_unload(struct loaded_trace *trace)
{
	if (trace->bytes)
		munmap(trace->bytes, trace->mapped_size);
	trace->bytes = NULL;
}
