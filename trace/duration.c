/* SPDX-License-Identifier: MIT */
/* Reading numbers and durations. */
#include <stddef.h>
#include <string.h>

#include "duration.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  (1000 * NS_PER_MS)

bool number_parse(const char *text, uint64_t *number, const char **rest)
{
	const char *p = text;
	uint64_t n = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (n > UINT64_MAX / 10 - 1)
			return false;
		n = n * 10 + (uint64_t)(*p - '0');
	}
	*number = n;
	*rest = p;
	return p != text;
}

bool duration_parse(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"", NS_PER_S},       {"ms", NS_PER_MS},      {"s", NS_PER_S},
		{"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S},
	};
	const char *rest;
	uint64_t n;

	if (!number_parse(text, &n, &rest))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(rest, units[i].name) != 0 || n > UINT64_MAX / units[i].ns)
			continue;
		*ns = n * units[i].ns;
		return true;
	}
	return false;
}
