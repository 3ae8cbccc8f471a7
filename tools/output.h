/* SPDX-License-Identifier: MIT */
/*
 * What `closewait report` and `closewait run` have in common: the options that say how a session
 * is reported, and the reporting.
 */
#pragma once

#include <getopt.h>
#include <stdio.h>

#include "session.h"

/* As the user asked. Strings are argv's. */
struct output_options {
	bool all;
	bool show_open;
	bool quiet;               /* nothing where there is nothing to report */
	bool nameless;            /* for `run`: who typed the command knows it */
	uint64_t grace;           /* ns; 0: as the trace has it */
	uint64_t slow_close;      /* ns; 0: as the trace has it */
	const char *json;         /* file, "-": standard output; NULL: none */
	const char *suppressions; /* file; NULL: none */
	const char *baseline;     /* file; NULL: none */
	const char *fail_on;      /* names, comma-separated; NULL: every leak */
	const char *annotate;     /* "github"; NULL: none */
	int exitcode;             /* 1 to 255; 0: not asked for */
	uint64_t max_leaks;       /* more of them fail */
};

/* For the option tables of the verbs: OUTPUT_LONG_OPTIONS are rows of struct option. */
enum output_option {
	OUTPUT_ALL = 0x100,
	OUTPUT_SHOW_OPEN,
	OUTPUT_QUIET,
	OUTPUT_GRACE,
	OUTPUT_SLOW_CLOSE,
	OUTPUT_JSON,
	OUTPUT_SUPPRESSIONS,
	OUTPUT_BASELINE,
	OUTPUT_FAIL_ON,
	OUTPUT_ANNOTATE,
	OUTPUT_EXITCODE,
	OUTPUT_MAX_LEAKS,
	OUTPUT_OPTIONS_END, /* a verb's own go on here */
};

/* clang-format off */
#define OUTPUT_LONG_OPTIONS                                            \
	{"all", no_argument, NULL, OUTPUT_ALL},                        \
	{"show-open", no_argument, NULL, OUTPUT_SHOW_OPEN},            \
	{"quiet", no_argument, NULL, OUTPUT_QUIET},                    \
	{"grace", required_argument, NULL, OUTPUT_GRACE},              \
	{"slow-close", required_argument, NULL, OUTPUT_SLOW_CLOSE},    \
	{"json", required_argument, NULL, OUTPUT_JSON},                \
	{"suppressions", required_argument, NULL, OUTPUT_SUPPRESSIONS},\
	{"baseline", required_argument, NULL, OUTPUT_BASELINE},        \
	{"fail-on", required_argument, NULL, OUTPUT_FAIL_ON},          \
	{"annotate", required_argument, NULL, OUTPUT_ANNOTATE},        \
	{"exitcode", required_argument, NULL, OUTPUT_EXITCODE},        \
	{"max-leaks", required_argument, NULL, OUTPUT_MAX_LEAKS}
/* clang-format on */

/* Takes one of them. Returns 0, or -1 after one line on standard error. */
int output_option(struct output_options *options, int option, const char *argument);

/* What came of it. */
struct output_result {
	uint64_t leaks;    /* sockets, the suppressed ones not counted */
	uint64_t findings; /* leaks and faults */
	bool fails;        /* a gate is to be closed */
};

/* Reports the session: the text goes to `text`, to standard error instead of standard
 * output where the JSON goes there. `hint` is what names it in "closewait report
 * --all …". Returns 0, or -1 after one line on standard error. */
int output_session(struct session *session, const struct output_options *options,
		   const char *hint, FILE *text, struct output_result *result);
