/* SPDX-License-Identifier: MIT */
/*
 * Binaries by their build-id, wherever they lie now: below /usr/lib/debug/.build-id, or at
 * debuginfod where DEBUGINFOD_URLS is set.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A descriptor of the binary, or else of its debug file, which has the names too; the caller
 * closes it. -1: there is none. *path is malloc'd, or NULL if it is not known. */
int build_id_open(const uint8_t *id, size_t size, char **path);
