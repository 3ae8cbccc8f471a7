/* SPDX-License-Identifier: MIT */
/* From what the user named (a trace, a directory, a process) to the traces meant. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct trace_list {
	char **paths; /* owned; those of one session together, the newest session first */
	size_t count;
	pid_t pid; /* the process that was named, or 0 */
};

/* Returns 0 with at least one path, or -1 after one line on standard error. */
int trace_find(struct trace_list *list, const char *what);
/* The traces of one session's directory, of which there may be none. Returns 0, or -1 with
 * errno. */
int trace_find_session(struct trace_list *list, const char *session);

/* Whether two traces of a list lie in one directory. */
bool trace_find_same_session(const char *a, const char *b);
void trace_list_free(struct trace_list *list);
