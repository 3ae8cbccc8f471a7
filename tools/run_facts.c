/* SPDX-License-Identifier: MIT */
/* session.json. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "json_value.h"
#include "run_facts.h"

static int facts_path(char *path, size_t room, const char *session)
{
	return snprintf(path, room, "%s/session.json", session) < (int)room
		       ? 0
		       : -ENAMETOOLONG;
}

static json_t *as_json(const struct run_facts *facts)
{
	/* What argv holds need not be UTF-8. */
	json_t *command = json_string(facts->command);
	json_t *json;

	if (!command)
		command = json_foreign(facts->command, SIZE_MAX);
	json = json_pack("{s:o, s:i, s:I}", "command", command, "pid", (int)facts->pid,
			 "started", (json_int_t)facts->started);

	if (json && facts->ended) {
		json_object_set_new(json, "ended",
				    json_integer((json_int_t)facts->ended));
		json_object_set_new(json, "ended_monotonic",
				    json_integer((json_int_t)facts->ended_mono));
		json_object_set_new(json, "status", json_integer(facts->status));
	}
	return json;
}

int run_facts_write(const struct run_facts *facts, const char *session)
{
	char path[PATH_MAX];
	json_t *json = as_json(facts);
	AUTO_FD int fd = -1;
	int error;

	if (!json)
		return -ENOMEM;
	error = facts_path(path, sizeof(path), session);
	if (!error)
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			  0600);
	if (!error && fd < 0)
		error = -errno;
	if (!error && json_dumpfd(json, fd, JSON_SORT_KEYS) < 0)
		error = -EIO;
	json_decref(json);
	return error;
}

int run_facts_read(struct run_facts *facts, const char *session)
{
	char path[PATH_MAX];
	const char *command = NULL;
	json_int_t started = 0, ended = 0, ended_mono = 0;
	json_t *json;
	int error = 0;
	int pid = 0;

	*facts = (struct run_facts){0};
	if (facts_path(path, sizeof(path), session) < 0 || access(path, R_OK) < 0)
		return -ENOENT;
	json = json_load_file(path, 0, NULL);
	if (json_unpack(json, "{s?s, s:i, s:I, s?I, s?I, s?i}", "command", &command,
			"pid", &pid, "started", &started, "ended", &ended,
			"ended_monotonic", &ended_mono, "status", &facts->status) < 0)
		error = -EBADMSG;
	facts->pid = pid;
	facts->started = (uint64_t)started;
	facts->ended = (uint64_t)ended;
	facts->ended_mono = (uint64_t)ended_mono;
	facts->command = !error && command ? strdup(command) : NULL;
	json_decref(json);
	return error;
}

void run_facts_free(struct run_facts *facts)
{
	free(facts->command);
	*facts = (struct run_facts){0};
}

static bool is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-+=./:,@%^";

	return *word && !word[strspn(word, plain)];
}

/* In single quotes, where the shell takes everything but the quote as it is. */
static void put_word(FILE *file, const char *word)
{
	if (is_plain(word)) {
		fputs(word, file);
		return;
	}
	putc('\'', file);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", file);
		else
			putc(*word, file);
	}
	putc('\'', file);
}

char *run_facts_command(char *const argv[])
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	for (size_t i = 0; argv[i]; i++) {
		if (i)
			putc(' ', file);
		put_word(file, argv[i]);
	}
	return fclose(file) == 0 ? text : NULL;
}
