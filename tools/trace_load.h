/* SPDX-License-Identifier: MIT */
/*
 * A trace file read into the command's own memory.
 *
 * Never mapped: the file could shrink under us. What is read of a living process is as
 * consistent as its commit rule makes it.
 */
#pragma once

#include "trace/view.h"

struct loaded_trace {
	struct trace_view view;
	void *bytes; /* owned, of mapped_size */
	size_t mapped_size;
};

/* Reads `path`, called `name` in messages. Returns 0, or -1 after one line on standard
 * error. A truncated trace is loaded, after one line too. */
int trace_load(struct loaded_trace *trace, const char *path, const char *name);
/* For those who want a look at traces that nobody has asked about. Returns 0 or -errno. */
int trace_load_silently(struct loaded_trace *trace, const char *path);
void trace_unload(struct loaded_trace *trace);
