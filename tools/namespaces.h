/* SPDX-License-Identifier: MIT */
/* The network namespaces that the processes of a session live in, each with a way to its table of
 * sockets. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "diag.h"

struct namespaces;

/* `session` is its directory, the caller's. NULL: no memory. */
struct namespaces *namespaces_open(const char *session);
void namespaces_close(struct namespaces *namespaces);

/* Takes in what has started, lets go of what has ended: a namespace in which no process of the
 * session lives is held no longer. */
void namespaces_refresh(struct namespaces *namespaces);

/* The n-th of them, NULL: no more. */
struct diag *namespaces_at(const struct namespaces *namespaces, size_t n);
/* How many could not be asked, so far. */
uint32_t namespaces_denied(const struct namespaces *namespaces);
