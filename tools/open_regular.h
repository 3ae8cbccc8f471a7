/* SPDX-License-Identifier: MIT */
/* Opening files whose names somebody else chose. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

/* Opens a regular file for reading and fills *st. Returns the descriptor, or -1 with errno:
 * EINVAL if it is something else, which then has not been opened: a FIFO blocks, and to
 * open a device may be to use it. ENODATA if it is empty, as what /proc makes up is. */
int open_regular(const char *path, struct stat *st);

/* Whether something is there that is no regular file. */
bool is_irregular(const char *path);
