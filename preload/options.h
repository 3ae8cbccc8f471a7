/* SPDX-License-Identifier: MIT */
/*
 * CLOSEWAIT_OPTIONS: key=value:key=value, values may be quoted with ' or ".
 *
 * Read once, by the constructor, before any thread of the program exists; constant
 * afterwards. What is wrong in it is told through notice_add() and the default is used.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum keep {
	KEEP_LEAKS, /* the trace stays if there was something to report */
	KEEP_ALWAYS,
	KEEP_NEVER,
};

enum report_to {
	REPORT_STDERR,
	REPORT_NONE,
	REPORT_FILE,
};

enum unwind {
	UNWIND_KNOWN, /* known stacks are recognised, others unwound */
	UNWIND_FULL,  /* every stack is unwound */
	UNWIND_AUDIT, /* every recognised stack is unwound too, and compared */
};

struct options {
	enum report_to report;
	char report_file[256]; /* may hold %p (the pid) and %% */
	int exitcode;          /* -1: not asked for */
	uint64_t grace;        /* ns */
	uint64_t slow_close;   /* ns */
	char dir[256];         /* "": choose */
	char session[256]; /* the session's directory, for `closewait run`; "": none */
	enum keep keep;
	enum unwind unwind;
	bool signals;
	bool show_open;
	bool help;
};

extern struct options options;

void options_parse(const char *text);

/* What help=1 prints. */
extern const char options_help[];
