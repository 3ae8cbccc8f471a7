/* SPDX-License-Identifier: MIT */
/* The lines of `closewait top`, for the screen and for where there is none. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "top_table.h"

#define TOP_LINE_BYTES  1024u
#define TOP_HEAD_LINES  3
#define TOP_TREND_WIDTH 8u /* looks that the trend of a row shows */

/* Line n of the head: the program, its descriptors, its sockets. Always NUL-terminated. A command
 * line is cut, so that what became of it is within so many columns. */
void top_head_line(const struct top_table *table, int n, size_t columns,
		   char line[TOP_LINE_BYTES]);
/* The titles of the columns, and a row under them. `blocks`: the trend may be drawn with block
 * characters (UTF-8). */
void top_titles(const struct top_table *table, char line[TOP_LINE_BYTES]);
void top_row_line(const struct top_table *table, const struct top_row *row, bool blocks,
		  char line[TOP_LINE_BYTES]);

/* The whole table; `blocks` as above. */
void top_put(const struct top_table *table, bool blocks, FILE *file);
