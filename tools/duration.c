/* SPDX-License-Identifier: MIT */
/* Reading durations. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  (1000 * NS_PER_MS)

bool duration_parse(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"", NS_PER_S},       {"ms", NS_PER_MS},      {"s", NS_PER_S},
		{"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S},
	};
	unsigned long long number;
	char *rest;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	number = strtoull(text, &rest, 10);
	for (size_t i = 0; !errno && i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(rest, units[i].name) != 0)
			continue;
		*ns = number * units[i].ns;
		return number <= UINT64_MAX / units[i].ns;
	}
	return false;
}
