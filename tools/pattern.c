/* SPDX-License-Identifier: MIT */
/* Matching patterns in time that is the product of both lengths at most. */
#include <string.h>

#include "pattern.h"

/* Where the matching of pattern and text has got to. */
struct place {
	const char *pattern;
	const char *text;
};

static bool is_at_end(const char *pattern, bool anchored)
{
	return !*pattern || (anchored && strcmp(pattern, "$") == 0);
}

/* What follows a `*` is first tried at its earliest place; if that fails later, one on. An
 * earlier `*` need never be tried again: the later one can make good for it. */
static bool matches_from(const char *pattern, const char *text, bool floating,
			 bool anchored)
{
	struct place at = {pattern, text};
	struct place star = at;

	for (;;) {
		if (*at.pattern == '*') {
			at.pattern++;
			star = at;
			floating = true;
		} else if (is_at_end(at.pattern, anchored) && (!anchored || !*at.text)) {
			return true;
		} else if (*at.text && !is_at_end(at.pattern, anchored) &&
			   *at.pattern == *at.text) {
			at.pattern++;
			at.text++;
		} else if (floating && *star.text) {
			star.text++;
			at = star;
		} else {
			return false;
		}
	}
}

bool pattern_matches(const char *pattern, const char *text)
{
	size_t size = strlen(pattern);
	bool anchored = size && pattern[size - 1] == '$';
	bool fixed = *pattern == '^';

	if (!text || !*text)
		return false;
	return matches_from(pattern + fixed, text, !fixed, anchored);
}

bool pattern_is_anything(const char *pattern)
{
	return *pattern && !pattern[strspn(pattern, "*")];
}
