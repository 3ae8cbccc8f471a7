/* SPDX-License-Identifier: MIT */
/*
 * What the user must know of the tracing itself: bad options, no file, no libunwind to audit with.
 *
 * Lines are collected until the process opens its first socket (a shell script's forty
 * helpers need not each repeat a misspelt option), then written to stderr and kept for
 * the report.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Adds one line made of the given strings; ends with NULL. A line that is there already
 * is not added again. Any thread, not from a signal handler. */
void notice_add(const char *first, ...) __attribute__((sentinel));

/* Writes the lines that were not written yet to stderr, if descriptor 2 is still the
 * program's. */
void notice_flush(void);

/* Keeps all lines for the report and the trace, those not written yet without writing them. */
void notice_keep(void);

/* All lines so far, "" if none. */
const char *notice_text(void);

/* Remembers which file descriptor 2 is; called by the constructor. */
void notice_stderr_remember(void);

/* Is descriptor 2 the file it was at start-up? Servers close it and a client's socket may
 * get the number: not one byte may go there then. */
bool notice_stderr_same(void);
