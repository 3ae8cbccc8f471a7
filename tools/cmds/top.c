/* SPDX-License-Identifier: MIT */
/* closewait top: the places that hold sockets, as it goes. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmds.h"
#include "tools/complain.h"
#include "tools/session_dir.h"
#include "tools/top_format.h"
#include "tools/top_metrics.h"
#include "tools/top_screen.h"
#include "trace/duration.h"

#define INTERVAL_DEFAULT 1000000000ull /* ns */
/* More often than this it would be a load. */
#define INTERVAL_MIN     100000000ull /* ns */

static const char help[] =
	"usage: closewait top [options] [TRACE | DIRECTORY | PID]\n"
	"\n"
	"Shows the places in a traced program that hold sockets, largest first, as it\n"
	"goes: how many, how many more a minute, since when, and how long the descriptors\n"
	"will last. What it names is as for closewait report; without it, the newest session\n"
	"that lives. On no terminal it is lines of text.\n"
	"\n"
	"  --interval DURATION  between two looks (1s)\n"
	"  --once               one look, as text\n"
	"  --show-open          also the sockets that are no finding\n"
	"  --sort NAME          count, rate, oldest, bytes\n"
	"  --grace DURATION     not judged: what the peer left more recently\n"
	"  --prometheus FILE    each look as metrics there, too\n"
	"  --quiet              nothing but that\n"
	"  --help\n"
	"\n"
	"Keys: enter the stacks of a place, s another order, / filter, o all open sockets,\n"
	"p pause, q leave.\n"
	"\n"
	"Exit status: 0; 2 if there is nothing to look at or an option cannot be understood.\n";

struct request {
	struct report_options options;
	const char *what;
	uint64_t interval;   /* ns */
	const char *metrics; /* NULL: none */
	enum top_order order;
	bool once;
	bool quiet; /* no lines */
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	interrupted = number;
}

/* Returns 0 or -1: it, or the metrics, could not be written. */
static int put_look(struct top *top, const struct request *request, bool first)
{
	top_sort(top, request->order);
	if (!request->quiet) {
		if (!first)
			putchar('\n');
		top_put(top_table(top), false, stdout);
		if (fflush(stdout) != 0) {
			complain_errno("standard output", errno);
			return -1;
		}
	}
	return request->metrics ? top_metrics_write(top_table(top), request->metrics) : 0;
}

/* Blocks of lines, until the last process has ended. */
static int put_lines(struct top *top, const struct request *request)
{
	const struct sigaction action = {.sa_handler = interrupt};
	const struct timespec interval = {
		(time_t)(request->interval / 1000000000u),
		(long)(request->interval % 1000000000u),
	};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (put_look(top, request, true) < 0)
		return EXIT_BAD_INPUT;
	while (!request->once && !interrupted && top_table(top)->process_count) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &interval, NULL);
		if (interrupted || !top_look(top))
			break;
		if (put_look(top, request, false) < 0)
			return EXIT_BAD_INPUT;
	}
	return 0;
}

static int show(const struct request *request)
{
	struct top *top = top_open(request->what, request->once ? 0 : request->interval,
				   &request->options);
	const struct top_start start = {
		.interval = request->interval,
		.order = request->order,
		.open = request->options.show_open,
		.metrics = request->metrics,
	};
	bool terminal = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
	int status = EXIT_BAD_INPUT;

	if (!top) {
		complain(request->what, "no memory");
		return EXIT_BAD_INPUT;
	}
	if (top_look(top)) {
		if (request->once || request->quiet || !terminal)
			status = put_lines(top, request);
		else if (top_screen(top, &start) == 0)
			status = 0;
	}
	top_close(top);
	return status;
}

/* Of those that live the newest, else the newest of all. */
static int show_newest(struct request *request)
{
	struct kept_list list;
	int status = EXIT_BAD_INPUT;

	if (kept_list_take(&list, NULL) < 0)
		return EXIT_BAD_INPUT;
	for (size_t i = 0; i < list.count && !request->what; i++)
		if (list.sessions[i].alive)
			request->what = list.sessions[i].path;
	if (!request->what)
		complain("top", "no traced process lives: name a trace, a directory or a "
				"process (closewait top --help)");
	else
		status = show(request);
	kept_list_free(&list);
	return status;
}

static int take_interval(struct request *request, const char *written)
{
	if (duration_parse(written, &request->interval) &&
	    request->interval >= INTERVAL_MIN)
		return 0;
	fprintf(stderr,
		"closewait: --interval: '%s' is not a duration of 100ms or more\n",
		written);
	return -1;
}

static int take_grace(struct request *request, const char *written)
{
	if (duration_parse(written, &request->options.grace) && request->options.grace)
		return 0;
	fprintf(stderr, "closewait: --grace: '%s' is not a duration (100ms, 10s, 2m)\n",
		written);
	return -1;
}

static int take_order(struct request *request, const char *written)
{
	for (int i = 0; i < TOP_ORDERS; i++) {
		if (strcmp(written, top_order_name((enum top_order)i)) != 0)
			continue;
		request->order = (enum top_order)i;
		return 0;
	}
	fprintf(stderr, "closewait: --sort: '%s' is not count, rate, oldest or bytes\n",
		written);
	return -1;
}

int cmd_top(int argc, char **argv)
{
	static const struct option options[] = {
		{"interval", required_argument, NULL, 'i'},
		{"once", no_argument, NULL, '1'},
		{"show-open", no_argument, NULL, 'o'},
		{"sort", required_argument, NULL, 's'},
		{"grace", required_argument, NULL, 'g'},
		{"prometheus", required_argument, NULL, 'p'},
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct request request = {.interval = INTERVAL_DEFAULT};
	int error = 0;
	int option;

	while (!error && (option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (option) {
		case 'h':
			fputs(help, stdout);
			return 0;
		case 'i':
			error = take_interval(&request, optarg);
			break;
		case 's':
			error = take_order(&request, optarg);
			break;
		case 'g':
			error = take_grace(&request, optarg);
			break;
		case 'p':
			request.metrics = optarg;
			break;
		case 'q':
			request.quiet = true;
			break;
		case 'o':
			request.options.show_open = true;
			break;
		case '1':
			request.once = true;
			break;
		default:
			return EXIT_BAD_INPUT;
		}
	}
	if (error)
		return EXIT_BAD_INPUT;
	if (optind + 1 < argc) {
		complain("top", "name one trace, directory or process "
				"(closewait top --help)");
		return EXIT_BAD_INPUT;
	}
	request.what = argv[optind];
	return request.what ? show(&request) : show_newest(&request);
}
