/* SPDX-License-Identifier: MIT */
/*
 * Whether a command can be traced: which file exec would come to in the end, and what of
 * it, of the environment and of the library keeps libclosewait.so out, or blind.
 *
 * Looks only: starts nothing, asks no server, changes nothing. What the program itself
 * starts later is not looked at.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum traceable {
	TRACEABLE,
	TRACEABLE_PARTLY, /* it runs, and not all of its sockets or calls are seen */
	NOT_TRACEABLE,
};

/* One line: what, why it matters; and what to do. */
struct traceable_finding {
	enum traceable weight; /* what it makes of the verdict; TRACEABLE: a mere note */
	char *text;            /* NULL: there was no memory for it */
};

/* A script on the way to the program. */
struct traceable_script {
	char *path;
	char *line; /* "#!/bin/sh"; "" if it has none and sh is what runs it */
};

#define TRACEABLE_MAX_SCRIPTS  16
#define TRACEABLE_MAX_FINDINGS 16

struct traceable_report {
	const char *command; /* as given to traceable_look: borrowed */
	enum traceable verdict;
	int exec_status; /* 126 or 127, as env(1)'s, if it cannot be started; else 0 */
	struct traceable_script scripts[TRACEABLE_MAX_SCRIPTS]; /* outermost first */
	size_t script_count;
	bool shim;     /* one of them is a pyenv or rbenv shim */
	char *program; /* the ELF file; NULL: it did not come to one */
	char *kind;    /* "ELF x86-64, dynamic, glibc"; NULL: not known */
	char *asan;    /* the soname of AddressSanitizer's shared runtime, or NULL */
	char *library; /* path of libclosewait.so; NULL: in none of its places */
	struct traceable_finding findings[TRACEABLE_MAX_FINDINGS]; /* gravest first */
	size_t finding_count;
};

/* Fills `report`, in whatever case; traceable_free must follow. `command` is a name as
 * execvp takes it, and must live as long as the report. */
void traceable_look(struct traceable_report *report, const char *command);
void traceable_free(struct traceable_report *report);

/* AddressSanitizer's runtime, to be put before libclosewait.so in LD_PRELOAD; NULL: the
 * program needs none. The report's own string. */
const char *traceable_asan(const struct traceable_report *report);

/* "closewait: warning: COMMAND: …", a line for each finding but the notes. */
void traceable_warn(FILE *file, const struct traceable_report *report);
