/* SPDX-License-Identifier: MIT */
/*
 * Sites: distinct call stacks, each written to the trace once.
 *
 * site_here() is the only entry: the stack of the hook's caller, as a site. A stack seen
 * before is recognised without unwinding (known_stacks.h); one never seen is unwound and
 * interned under one short lock, which also guards the unwinder, the module
 * table and the heap of the trace. While it is held all signals are blocked and the work is
 * done on a stack of our own: of the program's, a capture takes some hundred bytes.
 */
#pragma once

#include "books.h"

/* 0: not captured (counted). Preserves errno. */
cw_ref site_here(struct books *b);

/* Where the calling thread was interrupted: from a signal handler, with its ucontext_t and all
 * signals blocked. 0: not known. Waits for no lock longer than some milliseconds. */
cw_ref site_interrupted(struct books *b, const void *context);

/* A NUL-terminated string in the trace, interned. 0: no room. Takes the lock. */
cw_ref site_string(struct books *b, const char *text);

/* fork(): returns whether the lock was taken. */
bool sites_lock_for_fork(void);

/* For its holder: takes over what earlier children have learned. */
void sites_learn(struct books *b);
void sites_unlock_after_fork(void);
/* In the child. If a thread that does not exist here was in the middle of it, everything
 * built so far is left as it is and begun anew. */
void sites_after_fork(uint32_t forker);
