/* SPDX-License-Identifier: MIT */
/*
 * What `closewait report` and `closewait run` have in common: the options that say how a session
 * is reported, and the reporting.
 */
#pragma once

#include <getopt.h>
#include <stdio.h>

#include "colour_sink.h"
#include "gate.h"
#include "session.h"

struct baseline;
struct suppressions;

/* As the user asked. Strings are argv's; what was read from files is owned, and given back by
 * output_options_free(). */
struct output_options {
	bool all;
	bool native;
	bool show_open;
	bool quiet;                        /* nothing where there is nothing to report */
	bool nameless;                     /* for `run`: who typed the command knows it */
	uint64_t grace;                    /* ns; 0: as the trace has it */
	uint64_t slow_close;               /* ns; 0: as the trace has it */
	const char *json;                  /* file, "-": standard output; NULL: none */
	struct suppressions *suppressions; /* NULL: none */
	struct baseline *baseline;         /* NULL: none */
	struct gate gate;
	enum colour colour;
	const char *annotate; /* "github"; NULL: none */
	int exitcode;         /* 1 to 255; 0: not asked for */
};

/* For the option tables of the verbs: OUTPUT_LONG_OPTIONS are rows of struct option. */
enum output_option {
	OUTPUT_ALL = 0x100,
	OUTPUT_NATIVE,
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
	OUTPUT_COLOR,
	OUTPUT_OPTIONS_END, /* a verb's own go on here */
};

/* clang-format off */
#define OUTPUT_LONG_OPTIONS                                            \
	{"all", no_argument, NULL, OUTPUT_ALL},                        \
	{"native", no_argument, NULL, OUTPUT_NATIVE},                  \
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
	{"max-leaks", required_argument, NULL, OUTPUT_MAX_LEAKS},      \
	{"color", required_argument, NULL, OUTPUT_COLOR}
/* clang-format on */

/* Takes one of them, and reads the file that it names. Returns 0, or -1 after one line on standard
 * error. */
int output_option(struct output_options *options, int option, const char *argument);
void output_options_free(struct output_options *options);

/* What came of it. */
struct output_result {
	uint64_t leaks;    /* sockets, the suppressed ones not counted */
	uint64_t findings; /* leaks and faults */
	bool fails;        /* the gate is closed: see gate.h */
};

/* Reports the session: the text goes to `text`, what --annotate asks for to standard output; where
 * the JSON goes there, both to standard error. `hint` is what names it in "closewait report
 * --all …". Returns 0, or -1 after one line on standard error. */
int output_session(struct session *session, const struct output_options *options,
		   const char *hint, FILE *text, struct output_result *result);
