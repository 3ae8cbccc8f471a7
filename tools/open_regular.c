/* SPDX-License-Identifier: MIT */
/* Looking at what a name stands for before it is opened. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "cleanup.h"
#include "open_regular.h"

/* What O_PATH has taken hold of is opened itself: the name may stand for another by now.
 * Only where there is no /proc the name must do. */
static int reopen(int fd, const char *path)
{
	char self[64];
	int opened;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	opened = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (opened < 0 && errno == ENOENT)
		opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return opened;
}

int open_regular(const char *path, struct stat *st)
{
	AUTO_FD int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0 || fstat(fd, st) < 0)
		return -1;
	if (!S_ISREG(st->st_mode) || !st->st_size) {
		errno = S_ISREG(st->st_mode) ? ENODATA : EINVAL;
		return -1;
	}
	return reopen(fd, path);
}

bool is_irregular(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}
