/* SPDX-License-Identifier: MIT */
/* One file is replaced by another in one step. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "complain.h"
#include "replace_file.h"

/* What is to be written. */
struct content {
	replace_write *write;
	void *context;
	bool durable;
};

/* Returns 0 or an errno value. */
static int put(const struct content *content, FILE *file)
{
	int error;

	/* It comes a word at a time, and there is one thread. */
	__fsetlocking(file, FSETLOCKING_BYCALLER);
	errno = 0;
	error = content->write(content->context, file);
	if (!error && (fflush(file) != 0 || ferror(file)))
		error = errno ? errno : EIO;
	return error;
}

/* The descriptor is closed here. */
static int put_to_fd(const struct content *content, int fd, bool durable)
{
	FILE *file = fdopen(fd, "w");
	int error;

	if (!file) {
		error = errno;
		close(fd);
		return error;
	}
	error = put(content, file);
	if (!error && durable && fsync(fd) < 0)
		error = errno;
	if (fclose(file) != 0 && !error)
		error = errno;
	return error;
}

/* As open(2) would have made it; one that is there keeps its own. */
static mode_t mode_of(const struct stat *there)
{
	mode_t mask;

	if (there)
		return there->st_mode & 0777;
	mask = umask(0);
	umask(mask);
	return 0666 & ~mask;
}

static int replace(const struct content *content, const char *path,
		   const struct stat *there)
{
	char beside[PATH_MAX];
	int fd, error;

	if (snprintf(beside, sizeof(beside), "%s.XXXXXX", path) >= (int)sizeof(beside))
		return ENAMETOOLONG;
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return errno;
	error = fchmod(fd, mode_of(there)) < 0 ? errno : 0;
	if (error)
		close(fd);
	else
		error = put_to_fd(content, fd, content->durable);
	if (!error && rename(beside, path) < 0)
		error = errno;
	if (error)
		unlink(beside);
	return error;
}

static int write_to_path(const struct content *content, const char *path)
{
	AUTO_FREE char *target = NULL;
	struct stat st;
	int fd;

	if (stat(path, &st) < 0)
		return replace(content, path, NULL);
	if (S_ISREG(st.st_mode)) {
		target = realpath(path, NULL);
		return target ? replace(content, target, &st) : errno;
	}
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? errno : put_to_fd(content, fd, false);
}

int replace_file(const char *path, bool durable, replace_write *write, void *context)
{
	const struct content content = {write, context, durable};
	bool standard = strcmp(path, "-") == 0;
	int error = standard ? put(&content, stdout) : write_to_path(&content, path);

	if (!error)
		return 0;
	complain_errno(standard ? "standard output" : path, error);
	return -1;
}
