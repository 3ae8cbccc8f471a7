/* SPDX-License-Identifier: MIT */
/* A trace with a bit of everything, and a symbolizer that knows its functions. */
#pragma once

#include "build_trace.h"
#include "trace/report.h"

/* A server that has leaked in two places, with an idle client, a slow close and siblings
 * that were closed. */
struct built_trace build_example(void);
/* The same, from processes that were forked: `with_leak` decides for the second. */
struct built_trace build_forked_example(bool with_leak);

extern const struct symbolizer example_symbolizer;
