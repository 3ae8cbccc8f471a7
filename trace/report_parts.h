/* SPDX-License-Identifier: MIT */
/*
 * The parts of the text report; not for anybody but report*.c.
 *
 * Each part puts whole lines.
 */
#pragma once

#include "findings.h"
#include "stack_names.h"

#define REPORT_LABEL  12u /* columns of a label, after an indent of two */
#define REPORT_FRAMES 12u /* frames shown of a stack */
#define REPORT_GROUPS 20u /* groups shown */

struct report {
	struct findings *findings;
	const struct subject *subject; /* whose trace the references are of */
	const struct report_options *options;
	const struct symbolizer *symbolizer;
	const struct text_sink *sink;
};

/* For what is told of another subject. */
struct report report_on(const struct report *report, const struct subject *subject);

struct naming report_naming(const struct report *report);
void report_label(const struct report *report, const char *label);
/* A labelled stack, one frame a line. */
void report_stack(const struct report *report, const char *label, cw_ref site);
/* Where the thread stood that ended the subject by a signal; nothing if that is not known. */
void report_end_stack(const struct report *report);
/* The innermost wanted frames in one line: a <- b <- c. */
void report_path(const struct report *report, cw_ref site);
/* The innermost wanted frame: its function alone, and its place (server.c:88, or as above). */
void report_function(const struct report *report, cw_ref site);
void report_place(const struct report *report, cw_ref site);
/* The place and the function, where both are known. */
void report_site(const struct report *report, cw_ref site);
/* ns from the process's start to the moment of the report; 0: not known. */
uint64_t report_uptime(const struct report *report);
/* The command line of the subject's program. */
void report_command(const struct report *report);
/* All processes together, those included that gave back their books. */
struct report_clean report_sum(const struct report *report);
void report_head(const struct report *report);
void report_group(struct report *report, const struct group *group);
/* Where the group's oldest socket was before, and to whom it was passed on. */
void report_history(const struct report *report, const struct group *group);
/* The origin of a socket that no code of the program's opened. */
void report_found(const struct report *report);
/* How the group's siblings were closed, and the help that follows from it. */
void report_closers(struct report *report, const struct group *group);
/* `lead`, and how long sockets waited in CLOSE_WAIT, by a histogram of a trace's; false: nothing, as
 * of none it is known. */
bool report_dwell(const struct report *report, const char *lead,
		  const _Atomic uint32_t dwell[CW_DWELL_BUCKETS], uint64_t max);
void report_examples(struct report *report, const struct group *group);
/* "running", "ended by SIGTERM" */
void report_end(const struct report *report);
bool report_has_faults(const struct report *report);
void report_faults_put(struct report *report);
void report_tail(const struct report *report);

/* "(all: closewait report --all PATH)", or nothing if there is no path to name. */
void report_hint_all(const struct report *report);
