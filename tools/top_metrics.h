/* SPDX-License-Identifier: MIT */
/* A look of `closewait top` as metrics. */
#pragma once

#include "top_table.h"

/* Replaces `path` in one step; see prometheus.h. Returns 0, or -1 after one line on standard
 * error. */
int top_metrics_write(const struct top_table *table, const char *path);
