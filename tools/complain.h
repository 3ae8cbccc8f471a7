/* SPDX-License-Identifier: MIT */
/* The one line that a user gets when something cannot be done. */
#pragma once

/* "closewait: PATH: CAUSE" on standard error. The path may come from a trace or a directory
 * that others write: it is put like all foreign text. */
void complain(const char *path, const char *cause);
/* The same, the cause being an errno value. */
void complain_errno(const char *path, int error);
/* "closewait: PATH:CAUSE": the cause begins with a line's number. */
void complain_at(const char *path, const char *cause);
