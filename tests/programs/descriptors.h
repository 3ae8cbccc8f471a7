/* SPDX-License-Identifier: MIT */
/* What a program can see of its own descriptors: the numbers, and what stands behind. */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "socket" of "socket:[1234]", a file's path as it is. */
static inline void descriptor_print(int fd)
{
	char link[32], what[256] = "?";
	ssize_t size;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	size = readlink(link, what, sizeof what - 1);
	if (size > 0)
		what[size] = 0;
	what[strcspn(what, ":")] = 0;
	printf("fd %d %s\n", fd, fd > 2 ? what : "");
}

static inline int descriptor_order(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static inline void descriptors_print(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int fds[1024], count = 0;

	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != dirfd(dir) && count < 1024)
			fds[count++] = fd;
	}
	if (dir)
		closedir(dir);
	qsort(fds, (size_t)count, sizeof *fds, descriptor_order);
	for (int i = 0; i < count; i++)
		descriptor_print(fds[i]);
}
