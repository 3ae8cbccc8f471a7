/* SPDX-License-Identifier: MIT */
/* Options of output, and the forms of a session's report one after the other. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate.h"
#include "baseline.h"
#include "complain.h"
#include "json_report.h"
#include "output.h"
#include "suppress.h"
#include "trace/duration.h"
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
	case OUTPUT_NATIVE:
		options->native = true;
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
		return suppressions_load(&options->suppressions, argument);
	case OUTPUT_BASELINE:
		return baseline_load(&options->baseline, argument);
	case OUTPUT_FAIL_ON:
		return gate_names(&options->gate, argument);
	case OUTPUT_ANNOTATE:
		return take_annotate(options, argument);
	case OUTPUT_EXITCODE:
		return take_exitcode(options, argument);
	case OUTPUT_MAX_LEAKS:
		return take_number("--max-leaks", argument, 0, UINT64_MAX,
				   &options->gate.max_leaks);
	case OUTPUT_COLOR:
		return colour_parse("--color", argument, &options->colour);
	default:
		return -1;
	}
}

void output_options_free(struct output_options *options)
{
	suppressions_free(options->suppressions);
	baseline_free(options->baseline);
	options->suppressions = NULL;
	options->baseline = NULL;
}

static void put(void *context, const char *bytes, size_t size)
{
	fwrite(bytes, 1, size, context);
}

/* Every process has ended cleanly and given back its books. */
static void put_nothing(const struct report_clean *clean, FILE *text)
{
	const struct text_sink sink = {.put = put, .context = text};

	fputs("closewait: no leaks: ", text);
	report_put_clean(clean, &sink);
	fputc('\n', text);
}

static void put_text(struct findings *findings, const struct output_options *options,
		     const struct report_options *how,
		     const struct symbolizer *symbolizer, FILE *text)
{
	const struct text_sink plain = {.put = put, .context = text};
	struct text_sink sink = plain;
	struct colour_sink colours;
	bool coloured = colour_wanted(options->colour, text);

	if (how->only_findings && !findings_count(findings))
		return;
	if (coloured)
		sink = colour_sink_init(&colours, &plain);
	report_put(findings, how, symbolizer, &sink);
	suppressions_put(options->suppressions, options->all, &sink);
	if (coloured)
		colour_sink_flush(&colours);
}

/* One report in the making. */
struct output {
	struct session *session;
	const struct output_options *options;
	const struct report_options *how;
	const struct symbolizer *symbolizer;
	const char *name;
	FILE *text;
	struct output_result *result;
};

/* Standard output may be the JSON's: what else would go there goes to standard error. */
static FILE *beside_json(const struct output_options *options, FILE *wanted)
{
	bool taken = options->json && strcmp(options->json, "-") == 0;

	return taken && wanted == stdout ? stderr : wanted;
}

static int put_annotations(const struct output *output, struct findings *findings)
{
	if (!output->options->annotate)
		return 0;
	fflush(stderr);
	return annotate_github(findings, &output->options->gate, output->symbolizer,
			       beside_json(output->options, stdout));
}

/* `findings` NULL: no process is left to tell of. */
static int put_json(const struct output *output, struct findings *findings)
{
	const struct json_request request = {
		.findings = findings,
		.session = output->session,
		.options = output->how,
		.symbolizer = output->symbolizer,
		.run = &output->session->facts,
		.name = output->name,
		.fails = output->result->fails,
	};

	return output->options->json ? json_report(&request, output->options->json) : 0;
}

/* What was found goes through the user's files first; all else tells of what is left. */
static int put_findings(const struct output *output, struct findings *findings)
{
	const struct output_options *options = output->options;
	struct output_result *result = output->result;
	int error;

	suppressions_apply(options->suppressions, findings, output->symbolizer);
	baseline_apply(options->baseline, findings, output->symbolizer);
	result->leaks = findings->groups.totals.leaks;
	result->findings = findings_count(findings);
	result->fails = gate_fails(&options->gate, findings);
	put_text(findings, options, output->how, output->symbolizer, output->text);
	error = put_json(output, findings);
	return put_annotations(output, findings) < 0 ? -1 : error;
}

int output_session(struct session *session, const struct output_options *options,
		   const char *hint, FILE *text, struct output_result *result)
{
	struct symbolizer symbolizer = symbols_symbolizer(session->symbols);
	struct report_options how = {
		.all = options->all,
		.native = options->native,
		.show_open = options->show_open,
		.group_open = gate_wants_open(&options->gate),
		.only_findings = options->quiet,
		.nameless = options->nameless,
		.grace = options->grace,
		.slow_close = options->slow_close,
		.trace_path = hint,
	};
	const struct output output = {
		.session = session,
		.options = options,
		.how = &how,
		.symbolizer = &symbolizer,
		.name = hint,
		.text = beside_json(options, text),
		.result = result,
	};
	struct findings findings;
	int error;

	*result = (struct output_result){0};
	session_complete(session, &how);
	if (!session->process_count) {
		if (!options->quiet)
			put_nothing(&how.clean, output.text);
		return put_json(&output, NULL);
	}
	if (findings_build(&findings, session->processes, session->process_count, &how) <
	    0) {
		complain(hint, "no memory for the report");
		return -1;
	}
	error = put_findings(&output, &findings);
	findings_release(&findings);
	return error;
}
