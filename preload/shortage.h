/* SPDX-License-Identifier: MIT */
/* The one line that is said at once: descriptors have run out. */
#pragma once

#include "books.h"

/* Says so on standard error, if descriptor 2 still is the program's and takes the line without
 * waiting. `error` is EMFILE or ENFILE. To be called once a process; any thread, also from a
 * signal handler. */
void shortage_say(const struct books *b, int error);
