/* SPDX-License-Identifier: MIT */
/* Reading suppression files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "complain.h"
#include "fingerprint_text.h"
#include "suppress.h"
#include "suppress_rules.h"
#include "trace/text.h"

/* A file being read. */
struct reading {
	struct suppressions *suppressions;
	const char *path;
	unsigned line;
};

/* "FILE:LINE: 'WORD' CAUSE", with the names that there are if `names`. */
static int malformed(const struct reading *reading, const char *word, const char *cause,
		     bool names)
{
	char line[1024];
	struct text_buffer buffer;
	struct text_sink sink;

	text_buffer_init(&buffer, line, sizeof(line));
	sink = text_buffer_sink(&buffer);
	text_unsigned(&sink, reading->line);
	text_put(&sink, ": '");
	text_foreign(&sink, word, 200);
	text_put(&sink, "' ");
	text_put(&sink, cause);
	if (names) {
		text_put(&sink, "id, ");
		finding_names_put(&sink);
	}
	complain_at(reading->path, line);
	return -1;
}

static int no_memory(const struct reading *reading)
{
	complain(reading->path, "no memory");
	return -1;
}

/* Without white space at both ends. */
static char *trim(char *text)
{
	static const char white[] = " \t\r\n\v\f";
	char *start = text + strspn(text, white);
	size_t size = strlen(start);

	while (size && strchr(white, start[size - 1]))
		size--;
	start[size] = '\0';
	return start;
}

static int take_name(const struct reading *reading, const char *text, size_t size,
		     struct rule *rule)
{
	if (size == 2 && memcmp(text, "id", size) == 0) {
		rule->by_id = true;
		if (fingerprint_parse(rule->pattern, &rule->id))
			return 0;
		return malformed(reading, rule->pattern,
				 "is no fingerprint: 8 hexadecimal digits", false);
	}
	if (finding_name_find(text, size, &rule->name))
		return 0;
	return malformed(reading, text, "begins with none of ", true);
}

static int add_rule(const struct reading *reading, char *text)
{
	struct suppressions *suppressions = reading->suppressions;
	char *colon = strchr(text, ':');
	struct rule rule = {.path = reading->path, .line = reading->line};
	struct rule *all;

	if (!colon)
		return malformed(reading, text, "is not NAME:PATTERN", false);
	rule.pattern = trim(colon + 1);
	if (!*rule.pattern || strcmp(rule.pattern, "^") == 0 ||
	    strcmp(rule.pattern, "$") == 0 || strcmp(rule.pattern, "^$") == 0)
		return malformed(reading, text, "has no pattern", false);
	if (take_name(reading, text, (size_t)(colon - text), &rule) < 0)
		return -1;
	all = reallocarray(suppressions->rules, suppressions->count + 1, sizeof(*all));
	if (!all)
		return no_memory(reading);
	suppressions->rules = all;
	if (asprintf(&rule.text, "%.*s:%s", (int)(colon - text), text, rule.pattern) < 0)
		return no_memory(reading);
	rule.pattern = strchr(rule.text, ':') + 1;
	all[suppressions->count++] = rule;
	return 0;
}

static int add_line(const struct reading *reading, char *line, size_t size)
{
	char *text;

	if (strlen(line) != size)
		return malformed(reading, line, "is followed by a NUL byte: no text",
				 false);
	text = trim(line);
	return *text && *text != '#' ? add_rule(reading, text) : 0;
}

static int read_lines(struct reading *reading, FILE *file)
{
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	ssize_t size;

	for (;;) {
		errno = 0;
		size = getline(&line, &room, file);
		if (size < 0)
			break;
		reading->line++;
		if (add_line(reading, line, (size_t)size) < 0)
			return -1;
	}
	if (!ferror(file) && !errno)
		return 0;
	complain_errno(reading->path, errno);
	return -1;
}

int suppressions_load(struct suppressions **suppressions, const char *path)
{
	AUTO_FILE FILE *file = fopen(path, "re");
	struct reading reading = {.path = path};

	if (!file) {
		complain_errno(path, errno);
		return -1;
	}
	if (!*suppressions)
		*suppressions = calloc(1, sizeof(**suppressions));
	if (!*suppressions)
		return no_memory(&reading);
	reading.suppressions = *suppressions;
	return read_lines(&reading, file);
}

void suppressions_free(struct suppressions *suppressions)
{
	if (!suppressions)
		return;
	for (size_t i = 0; i < suppressions->count; i++)
		free(suppressions->rules[i].text);
	free(suppressions->rules);
	free(suppressions);
}
