/* SPDX-License-Identifier: MIT */
/* Writing a value to a file that is there whole or not at all. */
#pragma once

#include <jansson.h>

/* `path` "-" is standard output. What is no regular file (a pipe, a device) is written to as
 * it is; any other is written beside and renamed, a symbolic link's target in its place.
 * Returns 0, or -1 after one line on standard error. */
int json_file_write(const json_t *value, const char *path);
