/* SPDX-License-Identifier: MIT */
/*
 * The sentence that says what happened to the sockets of a group; every form of report has
 * the same.
 *
 * Stateless; no allocation, no system call.
 */
#pragma once

#include "group.h"
#include "report.h"

/* "EOF was read, close() never came". Without ages two runs say the same. */
void group_words_put(const struct text_sink *sink, const struct group *group,
		     bool with_age);
/* "at least 1m58s": of the oldest. */
void group_words_age(const struct text_sink *sink, const struct group *group);
/* What the program did not do with them and how that is mended. */
const char *group_words_help(const struct group *group);
