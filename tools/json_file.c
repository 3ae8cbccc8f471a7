/* SPDX-License-Identifier: MIT */
/* JSON as people read it, and diff. */
#include <errno.h>

#include "json_file.h"
#include "replace_file.h"

/* Of a double fifteen digits are the user's. */
#define FORMAT (JSON_INDENT(2) | JSON_REAL_PRECISION(15))

static int dump(void *context, FILE *file)
{
	if (json_dumpf(context, file, FORMAT) < 0 || putc('\n', file) == EOF)
		return errno ? errno : EIO;
	return 0;
}

int json_file_write(const json_t *value, const char *path)
{
	return replace_file(path, false, dump, (void *)value);
}
