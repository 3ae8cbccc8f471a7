/* SPDX-License-Identifier: MIT */
/* Taking "." and ".." out of paths, by their letters. */
#include <stdbool.h>
#include <string.h>

#include "plain_path.h"

/* Cuts the last part of what is in out. Returns false if that leads nowhere known: there is none,
 * or it is ".." itself. */
static bool go_up(const char *out, size_t *used, bool absolute)
{
	const char *slash = memrchr(out, '/', *used);
	size_t start = slash ? (size_t)(slash - out) + 1 : 0;

	if (!*used)
		return absolute;
	if (*used - start == 2 && memcmp(out + start, "..", 2) == 0)
		return false;
	*used = slash ? start - 1 : 0;
	return true;
}

static bool is_dropped(const char *part, size_t size, const char *out, size_t *used,
		       bool absolute)
{
	if (size == 2 && memcmp(part, "..", 2) == 0)
		return go_up(out, used, absolute);
	return !size || (size == 1 && *part == '.');
}

void plain_path(char *out, size_t size, const char *path)
{
	bool absolute = *path == '/';
	size_t used = 0;

	while (*path) {
		size_t part;

		path += strspn(path, "/");
		part = strcspn(path, "/");
		if (!is_dropped(path, part, out, &used, absolute)) {
			bool slash = used || absolute;

			if (used + slash + part + 1 > size)
				break;
			if (slash)
				out[used++] = '/';
			memmove(out + used, path, part);
			used += part;
		}
		path += part;
	}
	out[used] = '\0';
}
