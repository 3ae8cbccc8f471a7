/* SPDX-License-Identifier: MIT */
/*
 * Findings that the user does not want to hear of, named in files in the sanitizers' style.
 *
 *     # a comment
 *     leak:PATTERN          any leak
 *     eof-ignored:PATTERN   one verdict, or one fault (slow-close:PATTERN)
 *     id:3f9a2c17           one finding, by its fingerprint
 *
 * A pattern is held against the function, the file and the module of every frame, the inlined
 * ones included, of every stack that the report can show of the finding: for a group of sockets,
 * those of its oldest.
 */
#pragma once

#include "trace/findings.h"

struct suppressions;

/* Adds the file's rules to *suppressions, which is NULL at first and the caller's to free.
 * Returns 0, or -1 after one line on standard error. */
int suppressions_load(struct suppressions **suppressions, const char *path);
void suppressions_free(struct suppressions *suppressions);

/* Takes what the rules name out of the findings, and counts it anew. NULL: no rules. */
void suppressions_apply(struct suppressions *suppressions, struct findings *findings,
			const struct symbolizer *symbolizer);

/* One line for each rule that suppressed something when they were last applied; with `all` also
 * for those that did not. */
void suppressions_put(const struct suppressions *suppressions, bool all,
		      const struct text_sink *sink);
