/* SPDX-License-Identifier: MIT */
/* closewait doctor: whether a command can be traced, and if not, why and what to do. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "cmds.h"
#include "tools/complain.h"
#include "tools/traceable.h"
#include "trace/text.h"

static const char help[] =
	"usage: closewait doctor COMMAND [ARG...]\n"
	"\n"
	"Says whether COMMAND can be traced, and if not, why and what to do. Nothing is\n"
	"started. Scripts are followed to the interpreter that runs them.\n"
	"\n"
	"  program   the file that would be traced\n"
	"  library   what would be preloaded\n"
	"  reason    why it cannot be, and what to do\n"
	"  partly    what will not be seen, or needs care\n"
	"  note      what else is worth knowing\n"
	"\n"
	"  --help\n"
	"\n"
	"Exit status: 0 it can be traced, also in part; 1 it cannot; 2 bad usage.\n";

static void put(void *context, const char *bytes, size_t size)
{
	fwrite(bytes, 1, size, context);
}

/* Names come from outside: they must not drive the terminal. */
static void put_foreign(const char *text)
{
	struct text_sink sink = {.put = put, .context = stdout};

	text_foreign(&sink, text ? text : "out of memory", SIZE_MAX);
}

static void put_file(const char *label, const char *path, const char *kind)
{
	printf("  %-8s  ", label);
	put_foreign(path);
	if (kind && *kind) {
		fputs("  (", stdout);
		put_foreign(kind);
		putchar(')');
	}
	putchar('\n');
}

static void put_report(const struct traceable_report *report)
{
	static const char *const verdicts[] = {
		[TRACEABLE] = "can be traced",
		[TRACEABLE_PARTLY] = "can be traced in part",
		[NOT_TRACEABLE] = "cannot be traced",
	};
	static const char *const labels[] = {
		[TRACEABLE] = "note",
		[TRACEABLE_PARTLY] = "partly",
		[NOT_TRACEABLE] = "reason",
	};

	fputs("closewait doctor: ", stdout);
	put_foreign(report->command);
	printf(" %s\n", verdicts[report->verdict]);
	for (size_t i = 0; i < report->script_count; i++)
		put_file("script", report->scripts[i].path, report->scripts[i].line);
	if (report->program)
		put_file("program", report->program, report->kind);
	if (report->library)
		put_file("library", report->library, NULL);
	for (size_t i = 0; i < report->finding_count; i++)
		put_file(labels[report->findings[i].weight], report->findings[i].text,
			 NULL);
}

static int look(const char *command)
{
	struct traceable_report report;
	int status;

	traceable_look(&report, command);
	put_report(&report);
	status = report.verdict == NOT_TRACEABLE ? 1 : 0;
	traceable_free(&report);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain_errno("standard output", errno);
		return EXIT_BAD_INPUT;
	}
	return status;
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option options[] = {
		{"help", no_argument, NULL, 'h'},
		{0},
	};

	/* "+": the command's options are its own. */
	switch (getopt_long(argc, argv, "+h", options, NULL)) {
	case -1:
		break;
	case 'h':
		fputs(help, stdout);
		return 0;
	default:
		return EXIT_BAD_INPUT;
	}
	if (optind == argc) {
		complain("doctor", "name a command (closewait doctor --help)");
		return EXIT_BAD_INPUT;
	}
	return look(argv[optind]);
}
