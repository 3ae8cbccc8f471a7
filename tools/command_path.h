/* SPDX-License-Identifier: MIT */
/* The file that a command's name stands for, as execvp finds it; nothing is started. */
#pragma once

#include <stddef.h>

/* Writes the path as exec would get it, absolute or not. 0; -ENOENT: there is none;
 * -EACCES: there is one and it cannot be executed, `path` is that file; -EISDIR: `path`
 * is a directory; another -errno of the file system. */
int command_path_find(char *path, size_t room, const char *name);

/* Whether exec would take this file: 0, or what it would answer, -EISDIR instead of its
 * -EACCES for a directory. */
int command_path_check(const char *path);
