/* SPDX-License-Identifier: MIT */
/* A fork child's first entries: what its parent had open. */
#pragma once

#include "books.h"

/* Copies the live socket records of the process in extent `parent` into `b`, with origin
 * inherited. The parent goes on meanwhile: what changes under the copy is found out by the
 * cookie, at the verdict. False: there is no room for all of them. */
bool inherit_sockets(struct books *b, uint32_t parent);
