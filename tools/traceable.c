/* SPDX-License-Identifier: MIT */
/* Follows a command to the program that it comes to, and collects what speaks against
 * tracing it. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "command_path.h"
#include "library_path.h"
#include "script_line.h"
#include "trace/text.h"
#include "traceable.h"
#include "traceable_findings.h"
#include "traceable_program.h"

/* So many scripts may be one another's interpreters before the kernel answers ELOOP
 * (tried on Linux 6.18; execve(2) promises four). */
#define KERNEL_LEVELS 5

void traceable_add(struct traceable_report *report, enum traceable weight,
		   const char *format, ...)
{
	struct traceable_finding *finding = &report->findings[report->finding_count];
	va_list arguments;

	if (report->finding_count == TRACEABLE_MAX_FINDINGS)
		return;
	va_start(arguments, format);
	if (vasprintf(&finding->text, format, arguments) < 0)
		finding->text = NULL;
	va_end(arguments);
	finding->weight = weight;
	report->finding_count++;
	if (weight > report->verdict)
		report->verdict = weight;
}

static bool add_script(struct traceable_report *report, const char *path,
		       const struct script_line *line)
{
	struct traceable_script *script = &report->scripts[report->script_count];

	if (report->script_count == TRACEABLE_MAX_SCRIPTS)
		return false;
	script->path = strdup(path);
	if (!line)
		script->line = strdup("");
	else if (asprintf(&script->line, "#!%s%s%s", line->interpreter,
			  *line->argument ? " " : "", line->argument) < 0)
		script->line = NULL;
	report->script_count++;
	return true;
}

/* `what` names the file in the text: "" for the command itself. */
static void add_not_started(struct traceable_report *report, const char *what,
			    const char *path, int error)
{
	report->exec_status = error == -ENOENT || error == -ENOTDIR ? 127 : 126;
	if (error == -ENOENT && !strchr(path, '/'))
		traceable_add(report, NOT_TRACEABLE,
			      "%sno command '%s' in PATH. Name it with its directory",
			      what, path);
	else if (error == -EISDIR)
		traceable_add(report, NOT_TRACEABLE, "%s%s is a directory", what, path);
	else if (error == -EACCES)
		traceable_add(report, NOT_TRACEABLE,
			      "%s%s is not executable. chmod +x it, or name its "
			      "interpreter first",
			      what, path);
	else
		traceable_add(report, NOT_TRACEABLE, "%s%s: %s", what, path,
			      strerror(-error));
}

static bool in_shims(const char *path)
{
	AUTO_FREE char *real = realpath(path, NULL);
	char *slash = real ? strrchr(real, '/') : NULL;

	if (!slash)
		return false;
	*slash = '\0';
	slash = strrchr(real, '/');
	return slash && strcmp(slash + 1, "shims") == 0;
}

static void add_shim(struct traceable_report *report, const char *path)
{
	const char *name = strrchr(path, '/');

	report->shim = true;
	traceable_add(report, TRACEABLE,
		      "%s is a shim: it runs a shell, and what that execs inherits the "
		      "library. To have that looked at, name it (pyenv which %s, "
		      "rbenv which %s)",
		      path, name ? name + 1 : path, name ? name + 1 : path);
}

/* One file on the way, and where it leads. */
struct way {
	char path[PATH_MAX];
	int level; /* scripts since the last exec */
};

static bool follow_env(struct traceable_report *report, struct way *way,
		       const struct script_line *line, const struct env_line *env)
{
	int error;

	if (env->unsets_preload)
		traceable_add(report, NOT_TRACEABLE,
			      "the script's line, #!%s %s, takes LD_PRELOAD out of the "
			      "environment. Start its interpreter by hand",
			      line->interpreter, line->argument);
	if (!*env->program) {
		traceable_add(report, NOT_TRACEABLE,
			      "the script's line, #!%s %s, names no program to env",
			      line->interpreter, line->argument);
		return false;
	}
	way->level = 0;
	error = command_path_find(way->path, sizeof(way->path), env->program);
	if (!error)
		return true;
	add_not_started(report, "the script's interpreter: ", way->path, error);
	if (error == -ENOENT && strpbrk(env->program, " \t"))
		traceable_add(report, NOT_TRACEABLE,
			      "env gets '%s' as one name. Write #!%s -S %s", env->program,
			      line->interpreter, env->program);
	return false;
}

static bool follow_line(struct traceable_report *report, struct way *way,
			const struct script_line *line)
{
	struct env_line env;
	int error;

	if (in_shims(way->path))
		add_shim(report, way->path);
	if (!add_script(report, way->path, line) || ++way->level > KERNEL_LEVELS) {
		report->exec_status = 126;
		traceable_add(report, NOT_TRACEABLE,
			      "too many scripts that run scripts: the kernel gives up "
			      "(ELOOP). Start the last one's interpreter by hand");
		return false;
	}
	error = command_path_check(line->interpreter);
	if (error < 0) {
		add_not_started(report, "the script's interpreter: ", line->interpreter,
				error);
		return false;
	}
	if (script_line_env(line, &env))
		return follow_env(report, way, line, &env);
	snprintf(way->path, sizeof(way->path), "%s", line->interpreter);
	return true;
}

/* What is neither ELF nor has a "#!" line is given to sh, by execvp. */
static bool follow_plain(struct traceable_report *report, struct way *way)
{
	if (way->level || !add_script(report, way->path, NULL)) {
		report->exec_status = 126;
		traceable_add(report, NOT_TRACEABLE,
			      "%s is no program: neither ELF nor a script with a #! line",
			      way->path);
		return false;
	}
	way->level++;
	snprintf(way->path, sizeof(way->path), "/bin/sh");
	return true;
}

static bool has_elf_magic(const char *path)
{
	AUTO_FILE FILE *file = fopen(path, "re");
	char magic[4];

	return file && fread(magic, sizeof(magic), 1, file) == 1 &&
	       memcmp(magic, "\177ELF", sizeof(magic)) == 0;
}

/* From the command's file to the program's. */
static void follow(struct traceable_report *report, struct way *way)
{
	struct script_line line;

	for (;;) {
		int kind = script_line_read(&line, way->path);

		if (kind < 0) {
			traceable_add(
				report, TRACEABLE_PARTLY,
				"%s cannot be read (%s), so nothing is known of it. "
				"Ask as a user who may read it",
				way->path, strerror(-kind));
			return;
		}
		if (kind > 0) {
			if (!follow_line(report, way, &line))
				return;
		} else if (has_elf_magic(way->path)) {
			traceable_look_at_program(report, way->path);
			return;
		} else if (!follow_plain(report, way)) {
			return;
		}
	}
}

static void look_at_command(struct traceable_report *report)
{
	struct way way = {.level = 0};
	int error = command_path_find(way.path, sizeof(way.path), report->command);

	if (error < 0)
		add_not_started(report, "", *way.path ? way.path : report->command,
				error);
	else
		follow(report, &way);
}

static void look_at_environment(struct traceable_report *report)
{
	const char *preload = getenv("LD_PRELOAD");

	if (preload && *preload)
		traceable_add(
			report, TRACEABLE,
			"LD_PRELOAD is set already, to %s. closewait adds itself to it",
			preload);
}

/* By insertion: there are few, and those of one weight keep the order they came in. */
static void sort(struct traceable_report *report)
{
	for (size_t i = 1; i < report->finding_count; i++) {
		struct traceable_finding finding = report->findings[i];
		size_t to = i;

		for (; to && report->findings[to - 1].weight < finding.weight; to--)
			report->findings[to] = report->findings[to - 1];
		report->findings[to] = finding;
	}
}

void traceable_look(struct traceable_report *report, const char *command)
{
	*report = (struct traceable_report){.command = command};
	look_at_command(report);
	traceable_look_at_library(report);
	look_at_environment(report);
	sort(report);
}

void traceable_free(struct traceable_report *report)
{
	for (size_t i = 0; i < report->script_count; i++) {
		free(report->scripts[i].path);
		free(report->scripts[i].line);
	}
	for (size_t i = 0; i < report->finding_count; i++)
		free(report->findings[i].text);
	free(report->program);
	free(report->kind);
	free(report->asan);
	free(report->library);
	*report = (struct traceable_report){0};
}

const char *traceable_asan(const struct traceable_report *report)
{
	return report->asan;
}

static void put(void *context, const char *bytes, size_t size)
{
	fwrite(bytes, 1, size, context);
}

void traceable_warn(FILE *file, const struct traceable_report *report)
{
	struct text_sink sink = {.put = put, .context = file};

	for (size_t i = 0; i < report->finding_count; i++) {
		const struct traceable_finding *finding = &report->findings[i];

		if (finding->weight == TRACEABLE)
			continue;
		text_put(&sink, "closewait: warning: ");
		text_foreign(&sink, report->command, SIZE_MAX);
		text_put(&sink, ": ");
		text_foreign(&sink, finding->text ? finding->text : "out of memory",
			     SIZE_MAX);
		text_put(&sink, "\n");
	}
}
