/* SPDX-License-Identifier: MIT */
/* closewait report: what is in a trace now, of a process that lives, ended or was killed.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cmds.h"
#include "tools/complain.h"
#include "tools/output.h"
#include "tools/session.h"
#include "tools/session_dir.h"
#include "tools/trace_find.h"
#include "trace/report.h"
#include "trace/text.h"

static const char help[] =
	"usage: closewait report [options] [TRACE | DIRECTORY | PID]\n"
	"\n"
	"Prints which code left sockets in CLOSE_WAIT, by what a traced process recorded.\n"
	"Of a process that lives, the kernel is asked now; the process is not disturbed.\n"
	"\n"
	"  TRACE        a file that ends in .cwtrace\n"
	"  DIRECTORY    a session's directory, or one that holds sessions\n"
	"  PID          a process that runs with libclosewait.so\n"
	"               (none of them: the newest session that was kept)\n"
	"\n"
	"  --all                every socket, every frame, every place\n"
	"  --native             also the native frames below Python's\n"
	"  --show-open          also the sockets that are no finding\n"
	"  --quiet              nothing is said if there is nothing to report\n"
	"  --json FILE          as JSON there, too; - is standard output, the text then goes\n"
	"                       to standard error\n"
	"  --grace DURATION     not judged: what the peer left more recently\n"
	"  --slow-close DURATION  a close that comes later is a fault\n"
	"  --color WHEN         auto (on a terminal, unless NO_COLOR is set), always, never\n"
	"\n"
	"  --suppressions FILE  leave out what FILE names, line by line: leak:PATTERN,\n"
	"                       eof-ignored:PATTERN and so on, id:FINGERPRINT; the pattern\n"
	"                       is of a function, a file or a module, with *, ^ and $\n"
	"  --baseline FILE      what is in this earlier JSON report is shown, but no failure\n"
	"  --fail-on NAME,...   what is a failure: leak (if nothing is said), a verdict, a\n"
	"                       fault\n"
	"  --max-leaks N        so many sockets are no failure\n"
	"  --exitcode N         exit with N if there is a failure\n"
	"  --annotate github    failures as workflow commands, and in the step's summary\n"
	"  --help\n"
	"\n"
	"Exit status: 0, also when there are leaks, unless --exitcode says otherwise; 2 if\n"
	"the input cannot be read or an option cannot be understood.\n";

struct request {
	struct output_options output;
	const char *what; /* as the user named it */
	bool fails;       /* some session is to close the gate */
};

static void put(void *context, const char *bytes, size_t size)
{
	fwrite(bytes, 1, size, context);
}

/* A file's name in a directory that others may write. */
static void put_title(const char *path, size_t size)
{
	const struct text_sink sink = {.put = put, .context = stdout};

	text_put(&sink, "== ");
	text_foreign(&sink, path, size);
	text_put(&sink, "\n");
}

/* How many of the paths, from the first on, are of one session. */
static size_t session_size(char *const *paths, size_t count)
{
	size_t size = 1;

	while (size < count && trace_find_same_session(paths[0], paths[size]))
		size++;
	return size;
}

static int report_session(const struct trace_list *list, size_t first, size_t size,
			  struct request *request)
{
	const char *name = list->count == 1 || list->pid ? request->what : NULL;
	const char *hint = list->count == 1 || list->pid || size == list->count
				   ? request->what
				   : list->paths[first];
	struct output_result result = {0};
	struct session session;
	int error = session_load(&session, list->paths + first, size, name, list->pid);

	if (!error)
		error = output_session(&session, &request->output, hint, stdout, &result);
	if (session.failed)
		error = -1;
	request->fails |= result.fails;
	session_free(&session);
	return error;
}

/* One file holds one session's report. */
static bool is_one_session(const struct trace_list *list)
{
	return session_size(list->paths, list->count) == list->count;
}

static int report_all(const struct trace_list *list, struct request *request)
{
	int failed = 0;

	if (request->output.json && !is_one_session(list)) {
		complain(request->what, "holds more than one session, --json takes one");
		return 1;
	}
	for (size_t i = 0; i < list->count;) {
		size_t size = session_size(list->paths + i, list->count - i);

		if (i)
			putchar('\n');
		if (size < list->count)
			put_title(list->paths[i],
				  size > 1 ? strrchr(list->paths[i], '/') - list->paths[i]
					   : PATH_MAX);
		failed += report_session(list, i, size, request) < 0;
		i += size;
	}
	return failed;
}

static int run(struct request *request)
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
	if (failed)
		return EXIT_BAD_INPUT;
	return request->fails ? request->output.exitcode : 0;
}

static int run_newest(struct request *request)
{
	struct kept_list list;
	int status = EXIT_BAD_INPUT;

	if (kept_list_take(&list, NULL) == 0 && !list.count)
		complain("report", "no session was kept: name a trace, a directory or a "
				   "process (closewait report --help)");
	if (list.count) {
		request->what = list.sessions[0].path;
		status = run(request);
	}
	kept_list_free(&list);
	return status;
}

static int report(int argc, char **argv, struct request *request)
{
	static const struct option options[] = {
		OUTPUT_LONG_OPTIONS,
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (option == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (option == '?' || output_option(&request->output, option, optarg) < 0)
			return EXIT_BAD_INPUT;
	}
	if (optind + 1 < argc) {
		complain("report", "name one trace, directory or process "
				   "(closewait report --help)");
		return EXIT_BAD_INPUT;
	}
	request->what = argv[optind];
	return request->what ? run(request) : run_newest(request);
}

int cmd_report(int argc, char **argv)
{
	struct request request = {0};
	int status = report(argc, argv, &request);

	output_options_free(&request.output);
	return status;
}
