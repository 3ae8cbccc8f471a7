/* SPDX-License-Identifier: MIT */
/* closewait run: runs a command under the library and reports on all that it started. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmds.h"
#include "tools/child.h"
#include "tools/cleanup.h"
#include "tools/complain.h"
#include "tools/loaded.h"
#include "tools/output.h"
#include "tools/preload_env.h"
#include "tools/run_facts.h"
#include "tools/sampler.h"
#include "tools/session_dir.h"
#include "tools/stragglers.h"
#include "tools/trace_find.h"
#include "tools/traceable.h"
#include "trace/duration.h"

/* A failure of our own, as env(1) and others have it. */
#define EXIT_OURS 125

#define WAIT_DEFAULT   2000000000ull /* ns */
#define SAMPLE_DEFAULT 1000000000ull /* ns */
/* More often than this it would be a load. */
#define SAMPLE_MIN     10000000ull /* ns */

static const char help[] =
	"usage: closewait run [options] -- COMMAND [ARGUMENT …]\n"
	"\n"
	"Runs the command with libclosewait.so, and at its end reports which code left\n"
	"sockets in CLOSE_WAIT: of all processes that it started, killed ones too.\n"
	"\n"
	"  --report FILE        the report goes there (standard error)\n"
	"  --json FILE          and as JSON there; - is standard output\n"
	"  --quiet              nothing is said if there is nothing to report\n"
	"  --all, --show-open   every socket and frame; also sockets that are no finding\n"
	"  --native             also the native frames below Python's\n"
	"  --exitcode N         exit with N if there are leaks (1 to 255)\n"
	"  --fail-on NAMES      which verdicts and faults count, comma-separated (leak)\n"
	"  --max-leaks N        so many are let pass (0)\n"
	"  --suppressions FILE, --baseline FILE   what is known and does not count\n"
	"  --annotate github    workflow annotations on standard output\n"
	"  --color WHEN         auto (on a terminal), always, never\n"
	"  --grace DURATION     younger states are not judged (1s)\n"
	"  --slow-close DURATION   a close later than this is a fault (10s)\n"
	"  --sample DURATION    ask the kernel that often which sockets are in CLOSE_WAIT\n"
	"                       or left by a UNIX peer, for processes that are killed\n"
	"                       (1s); or off\n"
	"  --wait DURATION      for processes that outlive the command (2s)\n"
	"  --keep               keep the traces also if there is nothing to report\n"
	"  --dir DIR            where traces are kept\n"
	"\n"
	"Exits as the command did; 125 if closewait failed, 126 and 127 as env(1).\n";

struct request {
	struct output_options output;
	const char *report;     /* file; NULL: standard error */
	const char *grace;      /* as written */
	const char *slow_close; /* as written */
	const char *dir;
	uint64_t wait;   /* ns */
	uint64_t sample; /* ns between two looks; 0: none are taken */
	bool keep;
	char **argv;
};

/* What is under way. */
struct run {
	const struct request *request;
	char session[PATH_MAX];
	struct run_facts facts;
	struct child child;
	struct sampler *sampler; /* NULL: no looks are taken */
	size_t loaded;           /* images that the library was loaded into */
	unsigned running;        /* processes that outlived the command */
	struct output_result result;
};

enum option_of_run {
	RUN_REPORT = OUTPUT_OPTIONS_END,
	RUN_SAMPLE,
	RUN_WAIT,
	RUN_KEEP,
	RUN_DIR,
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
}

/* The library was not loaded into anything: nobody has looked. */
static void complain_blind(const struct run *run)
{
	complain(run->request->argv[0],
		 "the library was loaded in no process: nothing was traced "
		 "(closewait doctor says why)");
}

/* Processes that opened no socket are in no trace. Those that were forked announce themselves
 * nowhere: each trace has one process that did, and others that did not. */
static void count_loaded(struct run *run, struct session *session)
{
	uint64_t known = session->process_count + session->clean.processes;
	uint64_t forked = known > session->trace_count ? known - session->trace_count : 0;
	struct loaded_list loaded;
	uint64_t all = forked;

	if (loaded_list_read(&loaded, run->session) == 0) {
		run->loaded = loaded.count;
		all += loaded_list_processes(&loaded);
	}
	loaded_list_free(&loaded);
	if (all > known)
		session->clean.processes += all - known;
}

static FILE *open_report(const struct request *request)
{
	FILE *file = request->report ? fopen(request->report, "we") : stderr;

	if (!file)
		complain_errno(request->report, errno);
	return file;
}

static int put_report(struct run *run, struct session *session)
{
	const struct request *request = run->request;
	FILE *file = open_report(request);
	int error;

	if (!file)
		return -1;
	error = output_session(session, &request->output, run->session, file,
			       &run->result);
	if (fflush(file) != 0) {
		complain_errno(request->report ? request->report : "standard error",
			       errno);
		error = -1;
	}
	if (file != stderr)
		fclose(file);
	return error;
}

static int report(struct run *run)
{
	struct trace_list list;
	struct session session;
	int error = trace_find_session(&list, run->session);

	if (error) {
		complain_errno(run->session, errno);
		trace_list_free(&list);
		return -1;
	}
	error = session_load(&session, list.paths, list.count, NULL, 0);
	if (!error) {
		count_loaded(run, &session);
		if (run->loaded || session.process_count)
			error = put_report(run, &session);
		else
			complain_blind(run);
		if (session.failed)
			error = -1;
	}
	session_free(&session);
	trace_list_free(&list);
	return error;
}

/* Prints why, and returns the status for it. */
static int cannot_start(const char *command, int error)
{
	complain_errno(command, error);
	if (error == ENOENT)
		return 127;
	return error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE
		       ? EXIT_OURS
		       : 126;
}

/* The user's own `keep` is of traces that nobody reads at once: here they are what the report is
 * made of. */
static const char *what_to_keep(const struct output_options *output)
{
	return output->all || output->show_open || gate_minds_clean_ends(&output->gate)
		       ? "always"
		       : "leaks";
}

/* 0, or the status to exit with after a line on standard error. */
static int start(struct run *run, const struct traceable_report *traceable)
{
	const struct request *request = run->request;
	const struct preload_wish wish = {
		.library = traceable->library,
		.asan = traceable_asan(traceable),
		.session = run->session,
		.grace = request->grace,
		.slow_close = request->slow_close,
		.keep = what_to_keep(&request->output),
	};
	int error;

	if (preload_env_set(&wish) < 0)
		return EXIT_OURS;
	run->facts.command = run_facts_command(request->argv);
	run->facts.started = clock_ns(CLOCK_REALTIME);
	error = child_start(&run->child, request->argv);
	if (error)
		return cannot_start(request->argv[0], error);
	run->facts.pid = run->child.pid;
	run_facts_write(&run->facts, run->session);
	return 0;
}

static void look(void *sampler)
{
	sampler_look(sampler);
}

static void wait_for_command(struct run *run)
{
	uint64_t period = run->request->sample;
	struct ticker ticker = {.period = period, .tick = look};

	if (period)
		run->sampler = sampler_open(run->session, period);
	if (run->sampler)
		sampler_judge_by(run->sampler, run->child.pid);
	ticker.context = run->sampler;
	child_wait(&run->child, run->sampler ? &ticker : NULL);
}

static void finish(struct run *run)
{
	wait_for_command(run);
	run->facts.ended = clock_ns(CLOCK_REALTIME);
	run->facts.ended_mono = run->child.ended;
	run->facts.status = run->child.status;
	run_facts_write(&run->facts, run->session);
	run->running = stragglers_wait(run->session, run->request->wait);
	sampler_close(run->sampler);
}

/* What could not be told stays, for `closewait report`. */
static void tidy(struct run *run, int error)
{
	run_facts_free(&run->facts);
	if (!error && !run->request->keep && !run->running && !run->result.findings)
		session_remove(run->session);
}

/* A gate never passes by not looking; the command's own failure comes first. */
static void end(struct run *run, int error)
{
	int exitcode = run->request->output.exitcode;

	if (!child_failed(&run->child)) {
		if (error || (exitcode && !run->loaded))
			exit(EXIT_OURS);
		if (exitcode && run->result.fails)
			exit(exitcode);
	}
	child_end_alike(&run->child);
}

static int run_traced(const struct request *request,
		      const struct traceable_report *traceable)
{
	static struct run run;
	int status;
	int error;

	run.request = request;
	if (session_make(request->dir, run.session, sizeof(run.session)) < 0)
		return EXIT_OURS;
	kept_prune(request->dir);
	status = start(&run, traceable);
	if (status) {
		session_remove(run.session);
		run_facts_free(&run.facts);
		return status;
	}
	finish(&run);
	if (!run.running)
		session_seal(run.session);
	error = report(&run);
	tidy(&run, error);
	end(&run, error);
	return 0;
}

static int run_command(const struct request *request)
{
	struct traceable_report traceable;
	int status = 0;

	traceable_look(&traceable, request->argv[0]);
	if (traceable.exec_status) {
		complain(request->argv[0], traceable.exec_status == 127
						   ? "command not found"
						   : "cannot be executed");
		status = traceable.exec_status;
	} else if (!traceable.library) {
		complain("libclosewait.so", "not found beside this command, nor where it "
					    "was installed");
		status = EXIT_OURS;
	}
	if (!status) {
		traceable_warn(stderr, &traceable);
		status = run_traced(request, &traceable);
	}
	traceable_free(&traceable);
	return status;
}

static int take_sample(struct request *request, const char *written)
{
	request->sample = 0;
	if (strcmp(written, "off") == 0)
		return 0;
	if (duration_parse(written, &request->sample) && request->sample >= SAMPLE_MIN)
		return 0;
	fprintf(stderr,
		"closewait: --sample: '%s' is neither a duration of 10ms or more nor off\n",
		written);
	return -1;
}

static int take_option(struct request *request, int option)
{
	switch (option) {
	case RUN_REPORT:
		request->report = optarg;
		return 0;
	case RUN_KEEP:
		request->keep = true;
		return 0;
	case RUN_DIR:
		request->dir = optarg;
		return 0;
	case RUN_SAMPLE:
		return take_sample(request, optarg);
	case RUN_WAIT:
		if (duration_parse(optarg, &request->wait))
			return 0;
		fprintf(stderr, "closewait: --wait: '%s' is not a duration\n", optarg);
		return -1;
	case OUTPUT_GRACE:
		request->grace = optarg;
		break;
	case OUTPUT_SLOW_CLOSE:
		request->slow_close = optarg;
		break;
	}
	return option == '?' ? -1 : output_option(&request->output, option, optarg);
}

static int run(int argc, char **argv, struct request *request)
{
	static const struct option options[] = {
		OUTPUT_LONG_OPTIONS,
		{"report", required_argument, NULL, RUN_REPORT},
		{"sample", required_argument, NULL, RUN_SAMPLE},
		{"wait", required_argument, NULL, RUN_WAIT},
		{"keep", no_argument, NULL, RUN_KEEP},
		{"dir", required_argument, NULL, RUN_DIR},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "+h", options, NULL)) >= 0) {
		if (option == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (take_option(request, option) < 0)
			return EXIT_OURS;
	}
	if (optind == argc) {
		complain("run", "no command (closewait run --help)");
		return EXIT_OURS;
	}
	request->argv = argv + optind;
	return run_command(request);
}

int cmd_run(int argc, char **argv)
{
	struct request request = {
		.wait = WAIT_DEFAULT,
		.sample = SAMPLE_DEFAULT,
		.output.nameless = true,
	};
	int status = run(argc, argv, &request);

	output_options_free(&request.output);
	return status;
}
