/* SPDX-License-Identifier: MIT */
/*
 * Sites that begin with Python frames: a native stack and the Python stack of the same moment,
 * as one site.
 *
 * Which site a pair is stands in a table of immutable entries, each published by a release
 * store, so that a pair seen before is recognised without a lock: by the native site and a hash
 * of the Python frames. The hash is of what makes names and lines, not of addresses alone: the
 * memory of a code object is soon another's.
 */
#pragma once

#include "books.h"

/* The site of the stack with that hash (python_stack_hash) upon this native one; 0: not known yet.
 * Takes no lock. */
cw_ref python_site_find(cw_ref native, uint64_t hash);

/* Makes it. For the holder of the sites' lock, in the same thread and on the capture stack. Returns
 * `native` where no Python frame is to be had, or no room. */
cw_ref python_site_make(struct books *b, cw_ref native);

/* The same for a thread that a signal has interrupted, `sp` being its stack pointer. 0: there is a
 * Python stack, but it is not to be had. */
cw_ref python_site_interrupted(struct books *b, cw_ref native, uintptr_t sp);
