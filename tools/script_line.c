/* SPDX-License-Identifier: MIT */
/* Reads "#! INTERPRETER ARGUMENT" as the kernel does, and env's -S. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "script_line.h"

#define BLANKS " \t"

static void trim_end(char *text)
{
	size_t size = strlen(text);

	while (size && strchr(BLANKS, text[size - 1]))
		text[--size] = '\0';
}

/* `text` is what follows "#!", up to a newline or to where the kernel stops looking. A
 * longer line is taken only if it is the argument that is cut. */
static int parse(struct script_line *line, char *text, bool whole)
{
	size_t size;

	text += strspn(text, BLANKS);
	size = strcspn(text, BLANKS);
	if (!size || (!whole && !text[size]))
		return 0;
	trim_end(text);
	snprintf(line->interpreter, sizeof(line->interpreter), "%.*s", (int)size, text);
	text += strlen(line->interpreter);
	text += strspn(text, BLANKS);
	snprintf(line->argument, sizeof(line->argument), "%s", text);
	return 1;
}

int script_line_read(struct script_line *line, const char *path)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char bytes[SCRIPT_LINE_SIZE + 1] = "";
	ssize_t size;
	bool whole;

	*line = (struct script_line){0};
	if (fd < 0)
		return -errno;
	size = pread(fd, bytes, SCRIPT_LINE_SIZE, 0);
	if (size < 0)
		return -errno;
	if (strncmp(bytes, "#!", 2) != 0)
		return 0;
	whole = strlen(bytes) < SCRIPT_LINE_SIZE || strchr(bytes, '\n');
	bytes[strcspn(bytes, "\n")] = '\0';
	return parse(line, bytes + 2, whole);
}

/* What follows -S in the argument; NULL: there is no -S. */
static char *split_string(char *argument)
{
	static const char *const names[] = {"-S", "-vS", "--split-string="};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strncmp(argument, names[i], strlen(names[i])) == 0)
			return argument + strlen(names[i]);
	return NULL;
}

static void unset(struct env_line *env, const char *name)
{
	if (name && strcmp(name, "LD_PRELOAD") == 0)
		env->unsets_preload = true;
}

/* Whether the word is an option of env; its own word, if any, is taken from `next`. */
static bool take_option(struct env_line *env, const char *word, char **next)
{
	if (word[0] != '-')
		return false;
	if (strcmp(word, "-i") == 0 || strcmp(word, "-") == 0 ||
	    strcmp(word, "--ignore-environment") == 0)
		env->unsets_preload = true;
	else if (strcmp(word, "-u") == 0)
		unset(env, strtok_r(NULL, BLANKS, next));
	else if (strcmp(word, "-C") == 0)
		strtok_r(NULL, BLANKS, next);
	else if (strncmp(word, "-u", 2) == 0)
		unset(env, word + 2);
	else if (strncmp(word, "--unset=", 8) == 0)
		unset(env, word + 8);
	return true;
}

/* Options, assignments, the program and its arguments, in this order. */
static void parse_split(struct env_line *env, char *text)
{
	char *next = NULL;
	char *word = strtok_r(text, BLANKS, &next);

	while (word && strcmp(word, "--") != 0 && take_option(env, word, &next))
		word = strtok_r(NULL, BLANKS, &next);
	if (word && strcmp(word, "--") == 0)
		word = strtok_r(NULL, BLANKS, &next);
	for (; word && strchr(word, '='); word = strtok_r(NULL, BLANKS, &next))
		if (strncmp(word, "LD_PRELOAD=", 11) == 0)
			env->unsets_preload = true;
	if (word)
		snprintf(env->program, sizeof(env->program), "%s", word);
}

bool script_line_env(const struct script_line *line, struct env_line *env)
{
	const char *slash = strrchr(line->interpreter, '/');
	char argument[sizeof(line->argument)];
	char *split;

	*env = (struct env_line){0};
	if (strcmp(slash ? slash + 1 : line->interpreter, "env") != 0)
		return false;
	memcpy(argument, line->argument, sizeof(argument));
	split = split_string(argument);
	if (split)
		parse_split(env, split);
	else if (argument[0] != '-' && !strchr(argument, '='))
		memcpy(env->program, argument, sizeof(env->program));
	return true;
}
