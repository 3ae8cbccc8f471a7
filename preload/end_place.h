/* SPDX-License-Identifier: MIT */
/* Where the thread stood that ends the process by a signal. */
#pragma once

#include "books.h"

/* In the thread's handler, `context` being its ucontext_t, or where it sends itself the signal:
 * `here` is that call's site then. Notes it in the process's record. With all signals blocked;
 * waits for no lock longer than some milliseconds. */
void end_place_note(struct books *b, const void *context, cw_ref here);

/* The process goes on. */
void end_place_forget(struct books *b);
