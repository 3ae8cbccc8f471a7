/* SPDX-License-Identifier: MIT */
/*
 * The parts of the text report; not for anybody but report*.c.
 *
 * One `struct report` is one process's section. Each part puts whole lines.
 */
#pragma once

#include "group.h"
#include "report.h"

#define REPORT_LABEL  12u /* columns of a label, after an indent of two */
#define REPORT_FRAMES 12u /* frames shown of a stack */
#define REPORT_GROUPS 20u /* groups shown of a process */
#define REPORT_INLINE 6   /* inlined functions named at one address */

/* Faults of one process that are no single open socket. */
struct report_faults {
	uint64_t slow;     /* sockets closed after more than slow_close */
	uint64_t slow_max; /* ns */
	uint64_t spins;    /* sockets */
	uint64_t double_closes;
	uint64_t exhausted; /* calls that failed */
};

struct report {
	const struct trace_view *view;
	const struct report_options *options;
	const struct symbolizer *symbolizer;
	const struct text_sink *sink;
	uint32_t index; /* process extent */
	const struct cw_process *process;
	struct verdict_context context;
	struct groups groups;
	struct report_faults faults;
	uint64_t places; /* groups of leaks */
};

#define REPORT_MODULE_BYTES 256u

/* A copy of the file name of the frame's module, cut to fit; "" if there is none. */
void report_module(const struct report *report, const struct cw_frame *frame,
		   char name[REPORT_MODULE_BYTES]);
/* Names a frame, innermost inlined function first; 0: nothing is known. The strings live
 * until the next call. */
int report_name(const struct report *report, const struct cw_frame *frame,
		struct symbol *out, int max);
/* Those of a site's frames that a reader wants, frames[first] to frames[end - 1]: without
 * the start of the thread or of main outwards, and without the library's and libc's own
 * inwards, unless all are asked for. With a count that is not 0 there is always one. */
struct report_frames {
	uint32_t first;
	uint32_t end;
};
struct report_frames report_frames_wanted(const struct report *report,
					  const struct cw_site *site, uint32_t count);
void report_label(const struct report *report, const char *label);
/* A labelled stack, one frame a line. */
void report_stack(const struct report *report, const char *label, cw_ref site);
/* The innermost wanted frames in one line: a <- b <- c. */
void report_path(const struct report *report, cw_ref site);
/* The innermost wanted frame: its function alone, and its place (server.c:88, or as above). */
void report_function(const struct report *report, cw_ref site);
void report_place(const struct report *report, cw_ref site);
bool report_is_python(const struct report *report, cw_ref site);

uint32_t report_fingerprint(const struct report *report, const struct cw_socket *socket);

/* ns from the process's start to the moment of the report; 0: not known. */
uint64_t report_uptime(const struct report *report);
void report_head(const struct report *report);
void report_group(struct report *report, const struct group *group);
/* How the group's siblings were closed, and the help that follows from it. */
void report_closers(struct report *report, const struct group *group);
void report_examples(struct report *report, const struct group *group);
/* Fills report->faults. */
void report_faults_count(struct report *report);
bool report_has_faults(const struct report *report);
void report_faults_put(struct report *report);
void report_tail(const struct report *report);

/* "(all: closewait report --all PATH)", or nothing if there is no path to name. */
void report_hint_all(const struct report *report);
