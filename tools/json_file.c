/* SPDX-License-Identifier: MIT */
/* One file is replaced by another in one step. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "complain.h"
#include "json_file.h"

/* Of a double fifteen digits are the user's. */
#define FORMAT (JSON_INDENT(2) | JSON_REAL_PRECISION(15))

/* Returns 0 or an errno value. */
static int dump(const json_t *value, FILE *file)
{
	/* jansson puts it a word at a time, and there is one thread. */
	__fsetlocking(file, FSETLOCKING_BYCALLER);
	errno = 0;
	if (json_dumpf(value, file, FORMAT) < 0 || putc('\n', file) == EOF ||
	    fflush(file) != 0)
		return errno ? errno : EIO;
	return 0;
}

/* The descriptor is closed here. */
static int dump_to_fd(const json_t *value, int fd)
{
	FILE *file = fdopen(fd, "w");
	int error;

	if (!file) {
		error = errno;
		close(fd);
		return error;
	}
	error = dump(value, file);
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

static int replace(const json_t *value, const char *path, const struct stat *there)
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
		error = dump_to_fd(value, fd);
	if (!error && rename(beside, path) < 0)
		error = errno;
	if (error)
		unlink(beside);
	return error;
}

static int write_to_path(const json_t *value, const char *path)
{
	AUTO_FREE char *target = NULL;
	struct stat st;
	int fd;

	if (stat(path, &st) < 0)
		return replace(value, path, NULL);
	if (S_ISREG(st.st_mode)) {
		target = realpath(path, NULL);
		return target ? replace(value, target, &st) : errno;
	}
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? errno : dump_to_fd(value, fd);
}

int json_file_write(const json_t *value, const char *path)
{
	bool standard = strcmp(path, "-") == 0;
	int error = standard ? dump(value, stdout) : write_to_path(value, path);

	if (!error)
		return 0;
	complain_errno(standard ? "standard output" : path, error);
	return -1;
}
