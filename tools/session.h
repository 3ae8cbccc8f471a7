/* SPDX-License-Identifier: MIT */
/*
 * Traces that are reported on together: the process tree of one run, or one trace.
 *
 * Owns the traces, what the kernel says of their living processes, and the names.
 */
#pragma once

#include <sys/types.h>

#include "run_facts.h"
#include "samples.h"
#include "symbols.h"
#include "trace/report.h"
#include "trace_load.h"

struct live_looks;
struct sampled_looks;

struct session {
	struct loaded_trace *traces;
	const struct trace_view **views; /* of the traces */
	struct live_looks **looks;       /* each NULL if no process of that trace lives */
	size_t trace_count;
	struct report_process *processes;
	uint32_t process_count;
	struct report_clean clean;
	struct samples samples;        /* empty if nobody took any */
	struct sampled_looks *sampled; /* NULL if nobody did */
	struct run_facts facts; /* empty if the session is not of `closewait run` */
	struct symbols *symbols;
	char root[64];    /* in front of the modules' paths */
	size_t failed;    /* traces that could not be read */
	const char *path; /* of the first trace; the caller's, NULL: there is none */
};

/* Loads the traces; `name` is what messages call a trace, NULL: its path. `pid` is the process
 * that was named, or 0: then its root is where modules are looked for first, and if it is a
 * forked child it alone is reported on. Returns 0, or -1 after a line on standard error for each
 * trace that could not be read, if that was every one. */
int session_load(struct session *session, char *const *paths, size_t count,
		 const char *name, pid_t pid);
void session_free(struct session *session);

/* Of all that the session has; the command's own choices are already in `options`. */
void session_complete(const struct session *session, struct report_options *options);
