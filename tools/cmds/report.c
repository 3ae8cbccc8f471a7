/* SPDX-License-Identifier: MIT */
/* closewait report: what is in a trace now, of a process that lives, ended or was killed.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "cmds.h"
#include "tools/complain.h"
#include "tools/host_process.h"
#include "tools/live_looks.h"
#include "tools/symbols.h"
#include "tools/trace_find.h"
#include "tools/trace_load.h"
#include "trace/report.h"
#include "trace/text.h"

static const char help[] =
	"usage: closewait report [--all] [--show-open] TRACE | DIRECTORY | PID\n"
	"\n"
	"Prints which code left sockets in CLOSE_WAIT, by what a traced process recorded.\n"
	"Of a process that lives, the kernel is asked now; the process is not disturbed.\n"
	"\n"
	"  TRACE        a file that ends in .cwtrace\n"
	"  DIRECTORY    a session's directory, or one that holds sessions\n"
	"  PID          a process that runs with libclosewait.so\n"
	"\n"
	"  --all        every socket, every frame, every place\n"
	"  --show-open  also the sockets that are no finding\n"
	"  --help\n"
	"\n"
	"Exit status: 0, also when there are leaks; 2 if the input cannot be read.\n";

struct request {
	struct report_options options;
	const char *what; /* as the user named it */
};

static void put(void *context, const char *bytes, size_t size)
{
	fwrite(bytes, 1, size, context);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
}

static enum report_life life_of(void *context, const struct cw_process *process)
{
	const struct trace_view *view = context;

	return host_process_find(view->header, process) ? REPORT_LIFE_ALIVE
							: REPORT_LIFE_KILLED;
}

/* The extent of process `pid` if it is one of several in the trace; 0: report on all. */
static uint32_t extent_of(const struct trace_view *view, pid_t pid)
{
	for (uint32_t i = 0; pid && i < view->extent_count; i++) {
		const struct cw_process *process = trace_process(view, i);

		if (process && process->parent &&
		    host_process_find(view->header, process) == pid)
			return i;
	}
	return 0;
}

static int put_report(struct loaded_trace *trace, const struct request *request,
		      pid_t pid, const char *hint)
{
	struct live_looks *looks = live_looks_take(&trace->view, request->what);
	char root[64] = "";
	struct symbols *symbols;
	struct symbolizer symbolizer;
	struct text_sink sink = {.put = put, .context = stdout};
	struct report_options options = request->options;
	struct report_result result;
	int error;

	if (pid)
		snprintf(root, sizeof(root), "/proc/%d/root", pid);
	symbols = symbols_open(root);
	symbolizer = symbols_symbolizer(symbols);
	if (looks)
		live_looks_attach(looks, &trace->view);
	options.now = now();
	options.life = life_of;
	options.life_context = &trace->view;
	options.command = true;
	options.trace_path = hint;
	options.process = extent_of(&trace->view, pid);
	error = report_text(&trace->view, &options, symbols ? &symbolizer : NULL, &sink,
			    &result);
	if (error)
		complain_errno(request->what, -error);
	symbols_close(symbols);
	live_looks_free(looks);
	return error;
}

static int report_one(const char *path, const struct request *request, pid_t pid,
		      bool named)
{
	const char *name = named ? path : request->what;
	struct loaded_trace trace;
	int error;

	if (trace_load(&trace, path, name) < 0)
		return -1;
	error = put_report(&trace, request, pid, name);
	trace_unload(&trace);
	return error;
}

/* A file's name in a directory that others may write. */
static void put_title(const char *path)
{
	const struct text_sink sink = {.put = put, .context = stdout};

	text_put(&sink, "== ");
	text_foreign(&sink, path, PATH_MAX);
	text_put(&sink, "\n");
}

static int report_all(const struct trace_list *list, const struct request *request)
{
	int failed = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (i)
			putchar('\n');
		if (list->count > 1)
			put_title(list->paths[i]);
		if (report_one(list->paths[i], request, list->pid, !list->pid) < 0)
			failed++;
	}
	return failed;
}

static int run(const struct request *request)
{
	struct trace_list list;
	int failed;

	if (trace_find(&list, request->what) < 0) {
		trace_list_free(&list);
		return EXIT_BAD_INPUT;
	}
	failed = report_all(&list, request);
	trace_list_free(&list);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain_errno("standard output", errno);
		return EXIT_BAD_INPUT;
	}
	return failed ? EXIT_BAD_INPUT : 0;
}

int cmd_report(int argc, char **argv)
{
	static const struct option options[] = {
		{"all", no_argument, NULL, 'a'},
		{"show-open", no_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct request request = {0};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (option) {
		case 'a':
			request.options.all = true;
			break;
		case 'o':
			request.options.show_open = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return EXIT_BAD_INPUT;
		}
	}
	if (optind + 1 != argc) {
		complain("report", "name one trace, directory or process "
				   "(closewait report --help)");
		return EXIT_BAD_INPUT;
	}
	request.what = argv[optind];
	return run(&request);
}
