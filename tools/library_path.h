/* SPDX-License-Identifier: MIT */
/*
 * Where this command's own libclosewait.so lies: in the build tree beside the command, or
 * where both were installed. By the command's own place, never by the caller's directory,
 * nor by anything that the caller can set.
 */
#pragma once

#include <stddef.h>

/* Writes its absolute path, symbolic links resolved. 0; -ENOENT: it is in none of the
 * places, and `path` is the last that was tried; -EACCES: it is at `path`, and cannot be
 * read; another -errno of the file system. `room` is PATH_MAX or more. */
int library_path_find(char *path, size_t room);
