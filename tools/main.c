/* SPDX-License-Identifier: MIT */
/* The closewait command: finds the verb and hands over. */
#include <stdio.h>
#include <string.h>

#include "cmds/cmds.h"
#include "complain.h"

struct verb {
	const char *name;
	const char *title; /* as getopt's messages begin */
	int (*run)(int argc, char **argv);
};

static const struct verb verbs[] = {
	{"doctor", "closewait doctor", cmd_doctor},
	{"report", "closewait report", cmd_report},
};

static const char help[] =
	"usage: closewait report [--all] [--show-open] TRACE | DIRECTORY | PID\n"
	"       closewait doctor COMMAND [ARG...]\n"
	"       closewait --help | --version\n"
	"\n"
	"Which code left this socket in CLOSE_WAIT? Run the program with\n"
	"LD_PRELOAD=/path/to/libclosewait.so; it reports at its end. This command\n"
	"tells more: of a process that runs, ended or was killed, with files and lines.\n"
	"\n"
	"  report   what a trace tells (closewait report --help)\n"
	"  doctor   whether a command can be traced, and if not, why\n";

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
		fputs(help, stdout);
		return 0;
	}
	if (strcmp(verb, "--version") == 0) {
		puts("closewait " CW_VERSION);
		return 0;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(verb, verbs[i].name) != 0)
			continue;
		argv[1] = (char *)verbs[i].title;
		return verbs[i].run(argc - 1, argv + 1);
	}
	if (*verb)
		complain(verb, "no such verb (closewait --help)");
	else
		fputs(help, stderr);
	return EXIT_BAD_INPUT;
}
