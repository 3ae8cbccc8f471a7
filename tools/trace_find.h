/* SPDX-License-Identifier: MIT */
/* From what the user named (a trace, a directory, a process) to the traces meant. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct trace_list {
	char **paths; /* owned, newest first */
	size_t count;
	pid_t pid; /* the process that was named, or 0 */
};

/* Returns 0 with at least one path, or -1 after one line on standard error. */
int trace_find(struct trace_list *list, const char *what);
void trace_list_free(struct trace_list *list);
