/* SPDX-License-Identifier: MIT */
/* Writing a file that is there whole or not at all. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Writes to the stream; returns 0 or an errno value. The stream's own error need not be
 * looked at. */
typedef int replace_write(void *context, FILE *file);

/* `path` "-" is standard output. What is no regular file (a pipe, a device) is written to as
 * it is; any other is written beside and renamed, a symbolic link's target in its place.
 * `durable`: it is on the disk before it has the name. Returns 0, or -1 after one line on
 * standard error. */
int replace_file(const char *path, bool durable, replace_write *write, void *context);
