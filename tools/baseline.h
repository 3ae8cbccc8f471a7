/* SPDX-License-Identifier: MIT */
/*
 * Findings that were there before: the fingerprints of an earlier JSON report.
 *
 * Of that report this needs `schema` 1 and of each of its `groups` the `fingerprint` and
 * whether it was a `leak`.
 */
#pragma once

#include "trace/findings.h"

struct baseline;

/* Adds the report's groups to *baseline, which is NULL at first and the caller's to free.
 * Returns 0, or -1 after one line on standard error. */
int baseline_load(struct baseline **baseline, const char *path);
void baseline_free(struct baseline *baseline);

/* Marks as RUN_KNOWN what is in the baseline and not suppressed. NULL: nothing is. */
void baseline_apply(const struct baseline *baseline, struct findings *findings,
		    const struct symbolizer *symbolizer);
