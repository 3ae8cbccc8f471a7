/* SPDX-License-Identifier: MIT */
/* Reading and writing a session's samples. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "open_regular.h"
#include "samples.h"
#include "session_dir.h"

static int samples_path(char *path, const char *session)
{
	int size = snprintf(path, PATH_MAX, "%s/" SAMPLES_NAME, session);

	return size < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int put(int fd, const void *bytes, size_t size, off_t at)
{
	ssize_t put = pwrite(fd, bytes, size, at);

	if (put < 0)
		return -errno;
	return (size_t)put == size ? 0 : -ENOSPC;
}

int samples_put(int fd, uint32_t index, const struct sample *sample)
{
	return put(fd, sample, sizeof(*sample),
		   (off_t)(sizeof(struct samples_header) + index * sizeof(*sample)));
}

int samples_put_header(int fd, const struct samples_header *header)
{
	return put(fd, header, sizeof(*header), 0);
}

/* root may look at another user's session, who is to read what was seen, and who may put a link in
 * its place meanwhile. */
static int create_in(int directory)
{
	int fd = openat(directory, SAMPLES_NAME,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (geteuid() == 0 &&
	    (fstat(directory, &st) < 0 || fchown(fd, st.st_uid, st.st_gid) < 0)) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

void samples_remove(const char *session)
{
	AUTO_FD int directory = session_open(session);

	if (directory >= 0)
		unlinkat(directory, SAMPLES_NAME, 0);
}

int samples_create(const char *session, const struct samples_header *header)
{
	AUTO_FD int directory = session_open(session);
	int fd = directory < 0 ? -errno : create_in(directory);
	int error;

	if (fd < 0)
		return fd;
	error = samples_put_header(fd, header);
	if (!error)
		return fd;
	close(fd);
	return error;
}

static int by_cookie(const void *left, const void *right)
{
	const struct sample *a = left;
	const struct sample *b = right;

	return (a->cookie > b->cookie) - (a->cookie < b->cookie);
}

/* One look can miss a socket while others in its row of the kernel's table come and go: the next
 * takes it for another. No socket comes to CLOSE_WAIT twice. */
static void merge(struct samples *samples)
{
	struct sample *records = samples->records;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < samples->header.count; i++) {
		struct sample *last = kept ? &records[kept - 1] : NULL;

		if (!last || last->cookie != records[i].cookie) {
			records[kept++] = records[i];
		} else if (last->first < records[i].first) {
			last->until = records[i].until;
		} else {
			records[i].until = last->until;
			*last = records[i];
		}
	}
	samples->header.count = kept;
}

static int check_header(struct samples_header *header, off_t file_size)
{
	uint64_t room = ((uint64_t)file_size - sizeof(*header)) / sizeof(struct sample);

	if (memcmp(header->magic, SAMPLES_MAGIC, sizeof(header->magic)) != 0 ||
	    header->version != SAMPLES_VERSION ||
	    header->record_size != sizeof(struct sample))
		return -EBADMSG;
	if (header->count > SAMPLES_MAX)
		header->count = SAMPLES_MAX;
	if (header->count > room)
		header->count = (uint32_t)room;
	return 0;
}

static int read_records(struct samples *samples, int fd)
{
	size_t size = samples->header.count * sizeof(struct sample);
	ssize_t got;

	samples->records = malloc(size + 1);
	if (!samples->records)
		return -ENOMEM;
	got = pread(fd, samples->records, size, sizeof(samples->header));
	if (got < 0)
		return -errno;
	samples->header.count = (uint32_t)((size_t)got / sizeof(struct sample));
	if (samples->header.count)
		qsort(samples->records, samples->header.count, sizeof(struct sample),
		      by_cookie);
	merge(samples);
	return 0;
}

int samples_read(struct samples *samples, const char *session)
{
	char path[PATH_MAX];
	struct stat st;
	AUTO_FD int fd = -1;
	int error = samples_path(path, session);

	*samples = (struct samples){0};
	if (error)
		return error;
	fd = open_regular(path, &st);
	if (fd < 0)
		return -errno;
	if (pread(fd, &samples->header, sizeof(samples->header), 0) !=
	    (ssize_t)sizeof(samples->header))
		return -EBADMSG;
	error = check_header(&samples->header, st.st_size);
	if (!error)
		error = read_records(samples, fd);
	if (error)
		samples_free(samples);
	return error;
}

void samples_free(struct samples *samples)
{
	free(samples->records);
	*samples = (struct samples){0};
}

const struct sample *samples_find(const struct samples *samples, uint64_t cookie)
{
	struct sample key = {.cookie = cookie};

	if (!cookie || !samples->header.count)
		return NULL;
	return bsearch(&key, samples->records, samples->header.count, sizeof(key),
		       by_cookie);
}
