/* SPDX-License-Identifier: MIT */
/*
 * Full paths of source files that debug information names relative to where the compiler
 * ran.
 *
 * Owns the paths. Keyed by the addresses of both strings, which must outlive it.
 */
#pragma once

struct source_paths;

/* NULL: no memory. */
struct source_paths *source_paths_new(void);
void source_paths_free(struct source_paths *paths);

/* `file` behind `directory` (NULL: not known), made plain; `file` itself if it is absolute or
 * NULL, or if there are too many, or no memory (`paths` may be NULL). Lives as long as the paths. */
const char *source_path(struct source_paths *paths, const char *directory,
			const char *file);
