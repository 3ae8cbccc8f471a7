/* SPDX-License-Identifier: MIT */
/*
 * Names, files and lines of addresses in a trace, and the text of those lines, from the
 * binaries on disk, their debug information and the source.
 *
 * Files are named with their full paths, as far as the compiler has told where it ran.
 *
 * A binary that was rebuilt since (another build-id) gives no names: they would be wrong.
 * It is named once on standard error.
 */
#pragma once

#include "trace/report.h"

struct symbols;

/* `root` is a path in front of every module's, "" if none. NULL: no memory. */
struct symbols *symbols_open(const char *root);
void symbols_close(struct symbols *symbols);

/* To be called before it is used with traces that were loaded after others were unloaded. What it
 * has read of binaries is kept. */
void symbols_renew(struct symbols *symbols);
struct symbolizer symbols_symbolizer(struct symbols *symbols);
