/* SPDX-License-Identifier: MIT */
/* closewait list: the sessions that were kept. */
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "cmds.h"
#include "tools/complain.h"
#include "tools/run_facts.h"
#include "tools/session_dir.h"
#include "tools/trace_find.h"
#include "tools/trace_load.h"
#include "trace/text.h"

#define COMMAND_BYTES 200u

static const char help[] =
	"usage: closewait list [--dir DIR]\n"
	"\n"
	"The sessions that were kept, the newest first: when, how large, whether processes\n"
	"of it still run, and what was run. `closewait report PATH` tells what is in one.\n"
	"\n"
	"  --dir DIR   where to look ($XDG_RUNTIME_DIR/closewait,\n"
	"              /dev/shm/closewait-UID and /tmp/closewait-UID)\n"
	"  --help\n"
	"\n"
	"Exit status: 0; 2 if a directory cannot be read.\n";

static void put(void *context, const char *bytes, size_t size)
{
	fwrite(bytes, 1, size, context);
}

static void put_time(time_t moment)
{
	char text[32];
	struct tm tm;

	localtime_r(&moment, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s", text);
}

/* By the first trace, where `closewait run` left no word. */
static void put_traced_command(const struct text_sink *sink, const char *session)
{
	struct loaded_trace trace;
	struct trace_list list;

	if (trace_find_session(&list, session) == 0 && list.count &&
	    trace_load_silently(&trace, list.paths[0]) == 0) {
		text_foreign(sink, trace.view.header->command, COMMAND_BYTES);
		trace_unload(&trace);
	}
	trace_list_free(&list);
}

static void put_session(const struct kept_session *session)
{
	const struct text_sink sink = {.put = put, .context = stdout};
	struct run_facts facts;

	put_time(session->changed);
	printf("  %-7s  %6" PRIu64 " KiB  %2u trace%s  ",
	       session->alive ? "running" : "ended", session->bytes / 1024,
	       session->traces, session->traces == 1 ? " " : "s");
	text_foreign(&sink, session->path, PATH_MAX);
	text_put(&sink, "  ");
	if (run_facts_read(&facts, session->path) == 0 && facts.command)
		text_foreign(&sink, facts.command, COMMAND_BYTES);
	else
		put_traced_command(&sink, session->path);
	run_facts_free(&facts);
	text_put(&sink, "\n");
}

int cmd_list(int argc, char **argv)
{
	static const struct option options[] = {
		{"dir", required_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *dir = NULL;
	struct kept_list list;
	int option, error;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (option == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (option == '?')
			return EXIT_BAD_INPUT;
		dir = optarg;
	}
	if (optind != argc) {
		complain(argv[optind], "list takes no argument (closewait list --help)");
		return EXIT_BAD_INPUT;
	}
	error = kept_list_take(&list, dir);
	for (size_t i = 0; i < list.count; i++)
		put_session(&list.sessions[i]);
	kept_list_free(&list);
	return error ? EXIT_BAD_INPUT : 0;
}
