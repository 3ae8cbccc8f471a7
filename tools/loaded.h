/* SPDX-License-Identifier: MIT */
/* The program images of a session that the library was loaded into, sockets or not. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct loaded_image {
	pid_t pid;
	uint64_t start; /* clock ticks since boot */
	pid_t ppid;
	char *executable; /* owned by the list */
};

struct loaded_list {
	struct loaded_image *images; /* in the order in which they started */
	size_t count;
};

/* Reads them from the session's directory; none if there is no list. Lines that are no such
 * line are left out. Returns 0 or -1: no memory. */
int loaded_list_read(struct loaded_list *list, const char *session);
/* How many processes they are: exec makes another image of the same one. */
size_t loaded_list_processes(const struct loaded_list *list);
void loaded_list_free(struct loaded_list *list);
