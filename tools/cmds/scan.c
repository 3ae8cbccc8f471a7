/* SPDX-License-Identifier: MIT */
/* closewait scan: which processes hold sockets in CLOSE_WAIT, traced or not. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmds.h"
#include "tools/cleanup.h"
#include "tools/colour_sink.h"
#include "tools/complain.h"
#include "tools/json_file.h"
#include "tools/json_value.h"
#include "tools/scan.h"
#include "tools/scan_metrics.h"
#include "tools/scan_states.h"
#include "tools/scan_text.h"
#include "trace/duration.h"
#include "trace/text.h"

#define NS_PER_MS 1000000u
#define FOUND     1

static const char help[] =
	"usage: closewait scan [options]\n"
	"\n"
	"Which processes hold sockets in CLOSE_WAIT now, traced or not, by what the kernel says\n"
	"of them: how many and since when, whether their EOF was read, who the peers are. No\n"
	"process is stopped or entered. What may not be seen is counted.\n"
	"\n"
	"  --pid PID            this process alone\n"
	"  --state STATE,...    other states, by the names of ss: close-wait (if nothing is\n"
	"                       said), established, fin-wait-1, fin-wait-2, last-ack, closing,\n"
	"                       syn-sent, listening\n"
	"  --min-age DURATION   leave out what is younger, or may be\n"
	"  --all                every process and every socket\n"
	"  --json FILE          as JSON there, too; - is standard output, the text then goes\n"
	"                       to standard error\n"
	"  --prometheus FILE    as metrics there, too, for node_exporter's textfile collector\n"
	"  --check              exit with 1 if a socket was found\n"
	"  --color WHEN         auto (on a terminal, unless NO_COLOR is set), always, never\n"
	"  --help\n"
	"\n"
	"Exit status: 0 whatever was found; with --check, 1 if a socket was found in the state,\n"
	"hidden ones too; 2 if the kernel would not answer, the process of --pid may not be\n"
	"looked at, or an option cannot be understood.\n";

struct request {
	struct scan_request scan;
	const char *json;       /* file; NULL: none */
	const char *prometheus; /* file; NULL: none */
	enum colour colour;
	bool all;
	bool check;
};

enum scan_option {
	SCAN_PID = 0x100,
	SCAN_STATE,
	SCAN_MIN_AGE,
	SCAN_ALL,
	SCAN_JSON,
	SCAN_PROMETHEUS,
	SCAN_CHECK,
	SCAN_COLOR,
};

static int bad_value(const char *option, const char *argument, const char *wanted)
{
	fprintf(stderr, "closewait: %s: '%s' is not %s\n", option, argument, wanted);
	return -1;
}

static int take_pid(struct request *request, const char *argument)
{
	char *rest;
	long pid;

	errno = 0;
	pid = strtol(argument, &rest, 10);
	if (*rest || errno || pid < 1 || pid > INT32_MAX)
		return bad_value("--pid", argument, "a process id");
	request->scan.pid = (pid_t)pid;
	return 0;
}

static int take_states(struct request *request, const char *argument)
{
	AUTO_FREE char *name = NULL;
	const char *bad;
	size_t size;

	if (scan_states_parse(argument, &request->scan.states, &bad, &size))
		return 0;
	name = strndup(bad, size);
	return bad_value("--state", name ? name : argument,
			 "a state (closewait scan --help)");
}

static int take_min_age(struct request *request, const char *argument)
{
	uint64_t ns;

	if (!duration_parse(argument, &ns) || ns / NS_PER_MS >= UINT32_MAX)
		return bad_value("--min-age", argument, "a duration (100ms, 10s, 2m)");
	request->scan.min_age = (uint32_t)(ns / NS_PER_MS);
	return 0;
}

static int take_option(struct request *request, int option, const char *argument)
{
	switch ((enum scan_option)option) {
	case SCAN_PID:
		return take_pid(request, argument);
	case SCAN_STATE:
		return take_states(request, argument);
	case SCAN_MIN_AGE:
		return take_min_age(request, argument);
	case SCAN_ALL:
		request->all = true;
		return 0;
	case SCAN_JSON:
		request->json = argument;
		return 0;
	case SCAN_PROMETHEUS:
		request->prometheus = argument;
		return 0;
	case SCAN_CHECK:
		request->check = true;
		return 0;
	case SCAN_COLOR:
		return colour_parse("--color", argument, &request->colour);
	default:
		return -1;
	}
}

static int write_json(const struct scan *scan, const char *path)
{
	AUTO_JSON json_t *json = scan_json(scan);

	if (json)
		return json_file_write(json, path);
	complain_errno(path, ENOMEM);
	return -1;
}

static void put(void *context, const char *bytes, size_t size)
{
	fwrite(bytes, 1, size, context);
}

static void put_text(const struct scan *scan, const struct request *request, FILE *text)
{
	const struct text_sink plain = {.put = put, .context = text};
	struct text_sink sink = plain;
	struct colour_sink colours;
	bool coloured = colour_wanted(request->colour, text);

	if (coloured)
		sink = colour_sink_init(&colours, &plain);
	scan_text_put(scan, request->all, &sink);
	if (coloured)
		colour_sink_flush(&colours);
}

static bool is_standard(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

static int put_all(const struct scan *scan, const struct request *request)
{
	bool taken = is_standard(request->json) || is_standard(request->prometheus);

	put_text(scan, request, taken ? stderr : stdout);
	if (request->json && write_json(scan, request->json) < 0)
		return -1;
	if (request->prometheus && scan_metrics_write(scan, request->prometheus) < 0)
		return -1;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain_errno("standard output", errno);
		return -1;
	}
	return 0;
}

static void complain_of_scan(const struct request *request, int error)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", request->scan.pid);
	if (!request->scan.pid && error == -ENOENT)
		complain("/proc", "shows no process: it is not mounted here");
	else if (!request->scan.pid)
		complain("the kernel's socket table cannot be read", strerror(-error));
	else if (error == -ESRCH)
		complain(pid, "no such process");
	else if (error == -EPERM)
		complain(pid, "is in another network namespace, and you may not look "
			      "into that");
	else
		complain_errno(pid, -error);
}

static int scan(const struct request *request)
{
	AUTO_FD int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct scan_source source = scan_source_kernel;
	struct scan result;
	int error, status = EXIT_BAD_INPUT;

	if (proc < 0) {
		complain_errno("/proc", errno);
		return EXIT_BAD_INPUT;
	}
	source.proc = proc;
	error = scan_take(&result, &request->scan, &source);
	if (error)
		complain_of_scan(request, error);
	else if (put_all(&result, request) == 0)
		status = request->check && scan_found(&result) ? FOUND : 0;
	scan_free(&result);
	return status;
}

int cmd_scan(int argc, char **argv)
{
	static const struct option options[] = {
		{"pid", required_argument, NULL, SCAN_PID},
		{"state", required_argument, NULL, SCAN_STATE},
		{"min-age", required_argument, NULL, SCAN_MIN_AGE},
		{"all", no_argument, NULL, SCAN_ALL},
		{"json", required_argument, NULL, SCAN_JSON},
		{"prometheus", required_argument, NULL, SCAN_PROMETHEUS},
		{"check", no_argument, NULL, SCAN_CHECK},
		{"color", required_argument, NULL, SCAN_COLOR},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct request request = {.scan.states = 1u << TCP_CLOSE_WAIT};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (option == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (option == '?' || take_option(&request, option, optarg) < 0)
			return EXIT_BAD_INPUT;
	}
	if (optind != argc) {
		complain(argv[optind], "scan takes no argument (closewait scan --help)");
		return EXIT_BAD_INPUT;
	}
	if (is_standard(request.json) && is_standard(request.prometheus)) {
		complain("scan",
			 "--json and --prometheus cannot both have standard output");
		return EXIT_BAD_INPUT;
	}
	return scan(&request);
}
