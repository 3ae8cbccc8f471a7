/* SPDX-License-Identifier: MIT */
/*
 * Memory for the site index: pages of our own, since a hook must not call malloc (the
 * program may be inside it). For the holder of the sites' lock.
 */
#pragma once

#include <stddef.h>

/* Zeroed, 16-byte aligned; NULL: no memory. */
void *arena_take(size_t size);

/* Large pieces (the index's outgrown bucket arrays) go back to the system, small ones
 * stay. */
void arena_give(void *at, size_t size);
