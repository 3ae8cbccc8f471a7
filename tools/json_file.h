/* SPDX-License-Identifier: MIT */
/* Writing a value to a file that is there whole or not at all. */
#pragma once

#include <jansson.h>

/* `path` as for replace_file(). Returns 0, or -1 after one line on standard error. */
int json_file_write(const json_t *value, const char *path);
