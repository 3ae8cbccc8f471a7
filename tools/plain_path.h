/* SPDX-License-Identifier: MIT */
/* Paths as compilers write them, made plain: "/b/../src/a.c" is "/src/a.c". */
#pragma once

#include <stddef.h>

/* The path without ".", "x/.." and doubled slashes, by its letters alone: the file need not be
 * here. The result is cut to fit; size is at least 1. `out` may be `path`. */
void plain_path(char *out, size_t size, const char *path);
