/* SPDX-License-Identifier: MIT */
/* Standard error in a file that has no name. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "held_back.h"

#define SAID_BYTES 8192

void held_back_begin(struct held_back *held)
{
	fflush(stderr);
	*held = (struct held_back){.error = -1};
	held->file = memfd_create("standard error", MFD_CLOEXEC);
	if (held->file < 0)
		return;
	held->error = dup(STDERR_FILENO);
	if (held->error >= 0 && dup2(held->file, STDERR_FILENO) >= 0)
		return;
	if (held->error >= 0)
		close(held->error);
	held->error = -1;
	close(held->file);
}

/* Has this line been among those before it? */
static int was_said(const char *text, const char *line, size_t size)
{
	while (text < line) {
		size_t other = strcspn(text, "\n") + 1;

		if (other == size && memcmp(text, line, size) == 0)
			return 1;
		text += other;
	}
	return 0;
}

void held_back_end(struct held_back *held)
{
	char text[SAID_BYTES];
	ssize_t size;

	if (held->error < 0)
		return;
	fflush(stderr);
	dup2(held->error, STDERR_FILENO);
	close(held->error);
	size = pread(held->file, text, sizeof(text) - 1, 0);
	close(held->file);
	text[size > 0 ? size : 0] = '\0';
	for (const char *line = text; strchr(line, '\n');) {
		size_t length = strcspn(line, "\n") + 1;

		if (!was_said(text, line, length))
			fwrite(line, 1, length, stderr);
		line += length;
	}
}
