/* SPDX-License-Identifier: MIT */
/* Brings the report to where the user reads it. In a dying process; no malloc, no stdio. */
#pragma once

#include <stdbool.h>

#include "trace/report.h"

struct emit_buffer {
	struct text_sink sink; /* what is put there is collected */
	char *bytes;
	size_t room;
	size_t used;
};

/* False: no memory. The buffer must not move until emit_close(). */
bool emit_open(struct emit_buffer *buffer);
void emit_close(struct emit_buffer *buffer);

/* Whether anybody will read it. */
bool emit_wanted(void);

/* As one write where that is possible, so that the reports of eight workers do not mix.
 * Never blocks for more than two seconds, never raises SIGPIPE, never writes to a
 * descriptor 2 that is not the program's standard error any more: then it goes to a file
 * beside the trace. */
void emit_report(const struct emit_buffer *buffer);
