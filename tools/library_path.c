/* SPDX-License-Identifier: MIT */
/* Finds libclosewait.so from /proc/self/exe. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "library_path.h"

#define LIBRARY "libclosewait.so"

/* Directories, as seen from the command's: the build tree's, the installed one. meson
 * makes the second one absolute if it has no path from the command. */
static const char *const places[] = {"../preload", CW_LIBRARY_DIR};

static int own_directory(char *directory, size_t room)
{
	ssize_t size = readlink("/proc/self/exe", directory, room - 1);
	char *slash;

	if (size < 0)
		return -errno;
	directory[size] = '\0';
	slash = strrchr(directory, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	return 0;
}

static int look(char *path, size_t room, const char *directory, const char *place)
{
	char found[PATH_MAX];
	int size;

	if (*place == '/')
		size = snprintf(path, room, "%s/" LIBRARY, place);
	else
		size = snprintf(path, room, "%s/%s/" LIBRARY, directory, place);
	if (size < 0 || (size_t)size >= room)
		return -ENAMETOOLONG;
	if (!realpath(path, found))
		return -errno;
	snprintf(path, room, "%s", found);
	return access(path, R_OK) < 0 ? -errno : 0;
}

int library_path_find(char *path, size_t room)
{
	char directory[PATH_MAX];
	int error = own_directory(directory, sizeof(directory));

	*path = '\0';
	if (error < 0)
		return error;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		error = look(path, room, directory, places[i]);
		if (error != -ENOENT && error != -ENOTDIR)
			return error;
	}
	return -ENOENT;
}
