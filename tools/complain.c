/* SPDX-License-Identifier: MIT */
/* Messages on standard error. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "complain.h"
#include "trace/text.h"

static void put_line(const char *path, const char *colon, const char *cause)
{
	char line[PATH_MAX + 1024];
	struct text_buffer buffer;
	struct text_sink sink;

	text_buffer_init(&buffer, line, sizeof(line));
	sink = text_buffer_sink(&buffer);
	text_foreign(&sink, path, PATH_MAX);
	text_put(&sink, colon);
	text_put(&sink, cause);
	fflush(stdout);
	fprintf(stderr, "closewait: %s\n", line);
}

void complain(const char *path, const char *cause)
{
	put_line(path, ": ", cause);
}

void complain_at(const char *path, const char *cause)
{
	put_line(path, ":", cause);
}

void complain_errno(const char *path, int error)
{
	complain(path, strerror(error));
}
