/* SPDX-License-Identifier: MIT */
/* Looks a command up in PATH. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command_path.h"

int command_path_check(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static int copy(char *path, size_t room, const char *directory, int size,
		const char *name)
{
	const char *slash = size ? "/" : "";

	/* An empty element of PATH is the current directory. */
	if (snprintf(path, room, "%.*s%s%s", size, directory, slash, name) >= (int)room)
		return -ENAMETOOLONG;
	return 0;
}

/* As execvp: what cannot be executed is passed over, and is the answer if nothing else
 * comes. */
static int search(char *path, size_t room, const char *name, const char *list)
{
	char refused[PATH_MAX] = "";
	int refusal = -ENOENT;

	for (;;) {
		int size = (int)strcspn(list, ":");
		int error = copy(path, room, list, size, name);

		if (!error)
			error = command_path_check(path);
		if (!error)
			return 0;
		if ((error == -EACCES || error == -EISDIR) && !*refused) {
			snprintf(refused, sizeof(refused), "%s", path);
			refusal = error;
		}
		if (!list[size])
			break;
		list += size + 1;
	}
	snprintf(path, room, "%s", *refused ? refused : name);
	return refusal;
}

int command_path_find(char *path, size_t room, const char *name)
{
	const char *list = getenv("PATH");

	*path = '\0';
	if (!*name)
		return -ENOENT;
	if (!strchr(name, '/'))
		return search(path, room, name, list ? list : "/bin:/usr/bin");
	if (copy(path, room, "", 0, name) < 0)
		return -ENAMETOOLONG;
	return command_path_check(path);
}
