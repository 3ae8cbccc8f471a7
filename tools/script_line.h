/* SPDX-License-Identifier: MIT */
/* The first line of a script: what the kernel starts for it, and then env(1). */
#pragma once

#include <stdbool.h>

/* The kernel looks at this much of a file (BINPRM_BUF_SIZE; 128 before Linux 5.1). */
#define SCRIPT_LINE_SIZE 256

struct script_line {
	char interpreter[SCRIPT_LINE_SIZE + 1];
	char argument[SCRIPT_LINE_SIZE +
		      1]; /* one word to the kernel; "" if there is none */
};

/* What `env` does when a script's line names it. */
struct env_line {
	char program[SCRIPT_LINE_SIZE + 1]; /* "": none is named */
	bool unsets_preload;                /* by -i, -u LD_PRELOAD or LD_PRELOAD=… */
};

/* 1: a script, `line` is filled; 0: none, or a line that the kernel does not take;
 * -errno: the file cannot be read. */
int script_line_read(struct script_line *line, const char *path);

/* Whether the interpreter is env. */
bool script_line_env(const struct script_line *line, struct env_line *env);
