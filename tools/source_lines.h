/* SPDX-License-Identifier: MIT */
/*
 * Single lines of source files, to be shown.
 *
 * The files' names come from debug information, their bytes from whoever wrote them: only
 * regular files are read, up to a size, a few are kept, and what is returned cannot drive
 * a terminal.
 */
#pragma once

#include <stdbool.h>
#include <time.h>

#define SOURCE_LINE_MAX 160 /* bytes of a line that are shown */

struct source_lines;

/* NULL: no memory. */
struct source_lines *source_lines_new(void);
void source_lines_free(struct source_lines *lines);

/* Line `line` (from 1) of a file, as one line of UTF-8 without its indentation and without
 * space at its end; NULL if there is no such line or file. It lives until the next call. */
const char *source_line(struct source_lines *lines, const char *file, int line);
/* Has the file been written after that time? False if it cannot be read. */
bool source_is_newer(struct source_lines *lines, const char *file,
		     const struct timespec *than);
