/* SPDX-License-Identifier: MIT */
/* The network namespaces that the processes of a session live in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct namespaces;

/* `session` is its directory, the caller's: the processes that the library was loaded into are in a
 * list there, if `closewait run` began it. NULL: no memory. */
struct namespaces *namespaces_open(const char *session);
void namespaces_close(struct namespaces *namespaces);

/* One more process, by its number and when it started. Known ones are passed over. */
void namespaces_add(struct namespaces *namespaces, pid_t pid, uint64_t start);

/* Takes in what has started, lets go of what has ended. */
void namespaces_refresh(struct namespaces *namespaces);

/* One of them. */
struct namespace
{
	uint64_t inode; /* of /proc/PID/ns/net */
	pid_t pid;      /* a process that is in it */
	bool denied;    /* for who asks: we may not go there */
};

/* The n-th, NULL: no more. */
struct namespace *namespaces_at(struct namespaces *namespaces, size_t n);
