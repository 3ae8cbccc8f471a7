/* SPDX-License-Identifier: MIT */
/* The network namespaces that the processes of a session live in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct namespaces;

/* `session` is its directory, the caller's. NULL: no memory. */
struct namespaces *namespaces_open(const char *session);
void namespaces_close(struct namespaces *namespaces);

/* Takes in what has started, lets go of what has ended. */
void namespaces_refresh(struct namespaces *namespaces);

/* One of them. */
struct namespace {
	uint64_t inode; /* of /proc/PID/ns/net */
	pid_t pid;      /* a process that is in it */
	bool denied;    /* for who asks: we may not go there */
};

/* The n-th, NULL: no more. */
struct namespace *namespaces_at(struct namespaces *namespaces, size_t n);
