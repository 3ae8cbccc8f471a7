/* SPDX-License-Identifier: MIT */
/*
 * Makes the trace: its directory, its file, its mapping, its header.
 *
 * Called once per process image, at the first socket. Where no file can be had (no
 * writable directory, RLIMIT_FSIZE, a file system that copies on write) the same layout
 * is mapped without one: the report at exit still works, only a kill -9 loses it. No
 * malloc, no descriptor stays.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Fills trace_map. `image_started` is when the library was loaded (ns). False: no memory
 * at all; a notice says why. */
bool trace_file_make(uint64_t image_started);

/* The file's path, "" if it is private memory. */
const char *trace_file_path(void);

/* Removes the file and, if it was the last there, its session directory. */
void trace_file_remove(void);

/* For a process that was said to have ended and goes on: if its file is gone meanwhile, what is
 * mapped is private memory from now on, and a notice says so. */
void trace_file_check(void);

/* Puts `suffix` in place of ".cwtrace" into `path`; "" if there is no file. */
void trace_file_beside(char *path, unsigned room, const char *suffix);
