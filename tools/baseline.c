/* SPDX-License-Identifier: MIT */
/* Reading an earlier report and marking what it had. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "baseline.h"
#include "cleanup.h"
#include "complain.h"
#include "fingerprint_text.h"
#include "trace/stack_names.h"
#include "trace/text.h"

#define SCHEMA 1

struct known {
	uint32_t fingerprint;
	bool leak;
};

struct baseline {
	struct known *known;
	size_t count;
};

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

static int refuse(const char *path, const char *cause)
{
	complain(path, cause);
	return -1;
}

static int take_group(struct baseline *baseline, const json_t *group, const char *path)
{
	const char *text = json_string_value(json_object_get(group, "fingerprint"));
	const json_t *leak = json_object_get(group, "leak");
	struct known *known = &baseline->known[baseline->count];

	if (!text || !fingerprint_parse(text, &known->fingerprint))
		return refuse(path, "a group has no fingerprint of 8 hexadecimal digits");
	if (!json_is_boolean(leak))
		return refuse(path, "a group does not say whether it is a leak");
	known->leak = json_is_true(leak);
	baseline->count++;
	return 0;
}

static int take_groups(struct baseline *baseline, const json_t *groups, const char *path)
{
	size_t size = baseline->count + json_array_size(groups) + 1;
	struct known *known = reallocarray(baseline->known, size, sizeof(*known));
	const json_t *group;
	size_t i;

	if (!known)
		return refuse(path, "no memory");
	baseline->known = known;
	json_array_foreach(groups, i,
			   group) if (take_group(baseline, group, path) < 0) return -1;
	return 0;
}

static int take_report(struct baseline *baseline, const json_t *report, const char *path)
{
	const json_t *schema = json_object_get(report, "schema");
	const json_t *groups = json_object_get(report, "groups");
	char cause[128];

	if (!json_is_integer(schema))
		return refuse(path, "no report of closewait: it has no `schema`");
	if (json_integer_value(schema) != SCHEMA) {
		snprintf(cause, sizeof(cause),
			 "a report of schema %" JSON_INTEGER_FORMAT
			 ": only %d can be read",
			 json_integer_value(schema), SCHEMA);
		return refuse(path, cause);
	}
	if (!json_is_array(groups))
		return refuse(path, "no report of closewait: it has no `groups`");
	return take_groups(baseline, groups, path);
}

/* jansson's words quote the file: they are foreign. */
static int refuse_syntax(const char *path, const json_error_t *error)
{
	char cause[JSON_ERROR_TEXT_LENGTH + 64];
	struct text_buffer buffer;
	struct text_sink sink;

	text_buffer_init(&buffer, cause, sizeof(cause));
	sink = text_buffer_sink(&buffer);
	if (error->line > 0)
		text_unsigned(&sink, (uint64_t)error->line);
	text_put(&sink, ": not JSON: ");
	text_foreign(&sink, error->text, sizeof(error->text));
	if (error->line > 0)
		complain_at(path, cause);
	else
		complain(path, cause + 2);
	return -1;
}

/* jansson takes a directory, which cannot be read, for an empty file. */
static int check_readable(FILE *file, const char *path)
{
	int c;

	errno = 0;
	c = getc(file);
	if (c == EOF && ferror(file)) {
		complain_errno(path, errno);
		return -1;
	}
	if (c == EOF)
		return refuse(path, "not JSON: it is empty");
	ungetc(c, file);
	return 0;
}

int baseline_load(struct baseline **baseline, const char *path)
{
	AUTO_FILE FILE *file = fopen(path, "re");
	__attribute__((cleanup(cleanup_json))) json_t *report = NULL;
	json_error_t error;

	if (!file) {
		complain_errno(path, errno);
		return -1;
	}
	if (check_readable(file, path) < 0)
		return -1;
	report = json_loadf(file, 0, &error);
	if (!report)
		return refuse_syntax(path, &error);
	if (!*baseline)
		*baseline = calloc(1, sizeof(**baseline));
	if (!*baseline)
		return refuse(path, "no memory");
	return take_report(*baseline, report, path);
}

void baseline_free(struct baseline *baseline)
{
	if (!baseline)
		return;
	free(baseline->known);
	free(baseline);
}

/* A fingerprint knows no verdict: what was no leak then does not excuse one now. */
static bool is_known(const struct baseline *baseline, uint32_t fingerprint, bool leak)
{
	for (size_t i = 0; i < baseline->count; i++)
		if (baseline->known[i].fingerprint == fingerprint &&
		    (baseline->known[i].leak || !leak))
			return true;
	return false;
}

void baseline_apply(const struct baseline *baseline, struct findings *findings,
		    const struct symbolizer *symbolizer)
{
	struct groups *groups = &findings->groups;

	for (uint32_t i = 0; baseline && i < groups->run_count; i++) {
		struct naming naming = {.symbolizer = symbolizer};
		struct group group;
		uint32_t fingerprint;

		if (groups->runs[i].mark != RUN_REPORTED ||
		    !groups_describe(groups, i, &group))
			continue;
		naming.view = &group.subject->view;
		fingerprint = stack_fingerprint(&naming, &group.example);
		if (is_known(baseline, fingerprint, group.leak))
			groups->runs[i].mark = RUN_KNOWN;
	}
}
