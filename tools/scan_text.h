/* SPDX-License-Identifier: MIT */
/* A scan as text, in the tone of the report. */
#pragma once

#include "scan.h"
#include "trace/report.h"

void scan_text_put(const struct scan *scan, bool all, const struct text_sink *sink);

/* For scan_text*.c: one process's paragraph. */
void scan_text_process(const struct scan *scan, const struct scan_process *process,
		       bool all, const struct text_sink *sink);
