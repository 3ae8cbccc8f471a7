/* SPDX-License-Identifier: MIT */
/* Patterns of suppressions, as the sanitizers have them. */
#pragma once

#include <stdbool.h>

/* Whether the text has the pattern in it: `*` stands for any characters, `^` in front and `$`
 * at the end hold it to the text's beginning and end. A text of NULL or "" has none. */
bool pattern_matches(const char *pattern, const char *text);

/* Nothing but `*`: it matches also what has no name. */
bool pattern_is_anything(const char *pattern);
