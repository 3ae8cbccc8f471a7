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
	{"clean", "closewait clean", cmd_clean},
	{"doctor", "closewait doctor", cmd_doctor},
	{"explain", "closewait explain", cmd_explain},
	{"list", "closewait list", cmd_list},
	{"report", "closewait report", cmd_report},
	{"run", "closewait run", cmd_run},
	{"scan", "closewait scan", cmd_scan},
	{"top", "closewait top", cmd_top},
};

static const char help[] =
	"usage: closewait VERB [options] …\n"
	"\n"
	"Which code left this socket in CLOSE_WAIT?\n"
	"\n"
	"  run COMMAND …     run it, and report at its end on all that it started\n"
	"  report [WHAT]     what a trace, a kept session or a living process tells\n"
	"  scan              which processes hold sockets in CLOSE_WAIT now, traced or not\n"
	"  top [WHAT]        the places that hold sockets in a traced program, live\n"
	"  list              the sessions that were kept\n"
	"  clean             remove those that have ended\n"
	"  explain VERDICT   what it means, and how it is mended\n"
	"  doctor COMMAND    whether it can be traced, and if not, why\n"
	"\n"
	"  --help, --version       closewait VERB --help tells more\n"
	"\n"
	"A program that cannot be started anew in this way can be run with\n"
	"LD_PRELOAD=/path/to/libclosewait.so: it reports at its own end.\n";

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
