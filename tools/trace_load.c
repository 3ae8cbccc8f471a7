/* SPDX-License-Identifier: MIT */
/* Reading a sparse trace without its holes. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "cleanup.h"
#include "complain.h"
#include "open_regular.h"
#include "trace_load.h"

/* Beyond what the library makes: something else is not read into memory whole. */
#define SIZE_LIMIT ((off_t)CW_TRACE_SIZE_MAX)

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

/* Whether the file begins as a trace does: before memory is taken for all of it. A lone
 * first extent tells as much as the whole. */
static int check_start(int fd, off_t size)
{
	static char start[CW_EXTENT_SIZE] __attribute__((aligned(8)));
	struct trace_view view;
	off_t got = read_range(fd, start, 0,
			       size < (off_t)sizeof(start) ? size : (off_t)sizeof(start));

	return got < 0 ? (int)got : trace_view_open(&view, start, (size_t)got);
}

static const char *cause_of(int error)
{
	switch (error) {
	case -ENODATA:
		return "empty: the process ended before it had recorded anything";
	case -EBADMSG:
	case -EINVAL:
		return "not a closewait trace";
	case -EFBIG:
		return "larger than a closewait trace can be";
	case -EPROTONOSUPPORT:
		return "a trace of another closewait: this command reads version 2 of this "
		       "machine's byte order";
	default:
		return strerror(-error);
	}
}

/* Returns 0 or -errno. */
static int read_file(struct loaded_trace *trace, int fd, off_t size)
{
	int error = size > SIZE_LIMIT ? -EFBIG : check_start(fd, size);

	if (error)
		return error;
	trace->mapped_size = (size_t)size;
	trace->bytes = mmap(NULL, trace->mapped_size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (trace->bytes == MAP_FAILED) {
		trace->bytes = NULL;
		return -ENOMEM;
	}
	error = read_data(fd, trace->bytes, size);
	return error ? error
		     : trace_view_open(&trace->view, trace->bytes, trace->mapped_size);
}

int trace_load_silently(struct loaded_trace *trace, const char *path)
{
	struct stat st;
	AUTO_FD int fd = open_regular(path, &st);
	int error;

	*trace = (struct loaded_trace){0};
	error = fd < 0 ? -errno : read_file(trace, fd, st.st_size);
	if (error)
		trace_unload(trace);
	return error;
}

int trace_load(struct loaded_trace *trace, const char *path, const char *name)
{
	int error = trace_load_silently(trace, path);

	if (error) {
		complain(name, cause_of(error));
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
