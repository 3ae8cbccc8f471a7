/* SPDX-License-Identifier: MIT */
/* Options of output, and the forms of a session's report one after the other. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "duration.h"
#include "json_report.h"
#include "output.h"
#include "trace/findings.h"

static int bad_value(const char *option, const char *argument, const char *wanted)
{
	fprintf(stderr, "closewait: %s: '%s' is not %s\n", option, argument, wanted);
	return -1;
}

static int take_duration(const char *option, const char *argument, uint64_t *ns)
{
	if (duration_parse(argument, ns) && *ns)
		return 0;
	return bad_value(option, argument, "a duration (100ms, 10s, 2m)");
}

static int take_number(const char *option, const char *argument, uint64_t least,
		       uint64_t most, uint64_t *number)
{
	char *rest;
	unsigned long long value;

	errno = 0;
	value = strtoull(argument, &rest, 10);
	if (!*argument || *argument == '-' || *rest || errno || value < least ||
	    value > most)
		return bad_value(option, argument, "a number in its range");
	*number = value;
	return 0;
}

static int take_exitcode(struct output_options *options, const char *argument)
{
	uint64_t number;

	if (take_number("--exitcode", argument, 1, 255, &number) < 0)
		return -1;
	options->exitcode = (int)number;
	return 0;
}

static int take_annotate(struct output_options *options, const char *argument)
{
	if (strcmp(argument, "github") != 0)
		return bad_value("--annotate", argument, "known: only github is");
	options->annotate = argument;
	return 0;
}

int output_option(struct output_options *options, int option, const char *argument)
{
	switch ((enum output_option)option) {
	case OUTPUT_ALL:
		options->all = true;
		return 0;
	case OUTPUT_SHOW_OPEN:
		options->show_open = true;
		return 0;
	case OUTPUT_QUIET:
		options->quiet = true;
		return 0;
	case OUTPUT_GRACE:
		return take_duration("--grace", argument, &options->grace);
	case OUTPUT_SLOW_CLOSE:
		return take_duration("--slow-close", argument, &options->slow_close);
	case OUTPUT_JSON:
		options->json = argument;
		return 0;
	case OUTPUT_SUPPRESSIONS:
		options->suppressions = argument;
		return 0;
	case OUTPUT_BASELINE:
		options->baseline = argument;
		return 0;
	case OUTPUT_FAIL_ON:
		options->fail_on = argument;
		return 0;
	case OUTPUT_ANNOTATE:
		return take_annotate(options, argument);
	case OUTPUT_EXITCODE:
		return take_exitcode(options, argument);
	case OUTPUT_MAX_LEAKS:
		return take_number("--max-leaks", argument, 0, UINT64_MAX,
				   &options->max_leaks);
	default:
		return -1;
	}
}

static void put(void *context, const char *bytes, size_t size)
{
	fwrite(bytes, 1, size, context);
}

/* Every process has ended cleanly and given back its books. */
static void put_nothing(const struct report_clean *clean, FILE *text)
{
	fprintf(text,
		"closewait: no leaks: %" PRIu64 " opened, %" PRIu64 " closed, %" PRIu64
		" process%s\n",
		clean->opened, clean->closed, clean->processes,
		clean->processes == 1 ? "" : "es");
}

/* Standard output may be the JSON's. */
static FILE *text_of(const struct output_options *options, FILE *wanted)
{
	bool taken = options->json && strcmp(options->json, "-") == 0;

	return taken && wanted == stdout ? stderr : wanted;
}

int output_session(struct session *session, const struct output_options *options,
		   const char *hint, FILE *wanted, struct output_result *result)
{
	FILE *text = text_of(options, wanted);
	struct symbolizer symbolizer = symbols_symbolizer(session->symbols);
	const struct text_sink sink = {.put = put, .context = text};
	struct report_options how = {
		.all = options->all,
		.show_open = options->show_open,
		.only_findings = options->quiet,
		.nameless = options->nameless,
		.grace = options->grace,
		.slow_close = options->slow_close,
		.trace_path = hint,
	};
	struct findings findings;
	struct json_request json = {.session = session,
				    .options = &how,
				    .symbolizer = &symbolizer,
				    .run = &session->facts,
				    .name = hint};
	int error = 0;

	*result = (struct output_result){0};
	session_complete(session, &how);
	if (!session->process_count) {
		if (!options->quiet)
			put_nothing(&how.clean, text);
		return options->json ? json_report(&json, options->json) : 0;
	}
	if (findings_build(&findings, session->processes, session->process_count, &how) <
	    0) {
		complain(hint, "no memory for the report");
		return -1;
	}
	report_put(&findings, &how, &symbolizer, &sink);
	result->leaks = findings.groups.totals.leaks;
	result->findings = findings_count(&findings);
	result->fails = result->leaks > options->max_leaks;
	json.findings = &findings;
	json.fails = result->fails;
	if (options->json)
		error = json_report(&json, options->json);
	findings_release(&findings);
	return error;
}
