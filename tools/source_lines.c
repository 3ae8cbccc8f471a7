/* SPDX-License-Identifier: MIT */
/* Source files, the last few in memory whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "open_regular.h"
#include "source_lines.h"

#define FILES_KEPT 16
#define SIZE_LIMIT (16 << 20) /* bytes; generated sources are the longest */
#define LINE_LIMIT 2000000    /* lines that are counted to find one */

struct file {
	char *name;  /* NULL: this place is free */
	char *bytes; /* NULL: cannot be read */
	size_t size;
	struct timespec written;
};

struct source_lines {
	struct file files[FILES_KEPT];
	unsigned oldest;
	char text[SOURCE_LINE_MAX + 1];
};

static char *read_whole(int fd, size_t *size)
{
	char *bytes = malloc(*size);
	size_t done = 0;

	while (bytes && done < *size) {
		ssize_t got = read(fd, bytes + done, *size - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	*size = done;
	return bytes;
}

static void read_file(struct file *file)
{
	struct stat status;
	AUTO_FD int fd = open_regular(file->name, &status);

	if (fd < 0 || status.st_size > SIZE_LIMIT)
		return;
	file->written = status.st_mtim;
	file->size = (size_t)status.st_size;
	file->bytes = read_whole(fd, &file->size);
}

static void forget(struct file *file)
{
	free(file->name);
	free(file->bytes);
	*file = (struct file){0};
}

static const struct file *find(struct source_lines *lines, const char *name)
{
	struct file *file;

	for (unsigned i = 0; i < FILES_KEPT; i++)
		if (lines->files[i].name && strcmp(lines->files[i].name, name) == 0)
			return &lines->files[i];
	file = &lines->files[lines->oldest++ % FILES_KEPT];
	forget(file);
	file->name = strdup(name);
	if (file->name)
		read_file(file);
	return file;
}

/* The start of a line; *size is filled with its length. */
static const char *locate(const struct file *file, int line, size_t *size)
{
	const char *at = file->bytes, *end, *newline;

	if (!at || line < 1 || line > LINE_LIMIT)
		return NULL;
	end = at + file->size;
	while (--line && at) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	if (!at || at == end)
		return NULL;
	newline = memchr(at, '\n', (size_t)(end - at));
	*size = (size_t)((newline ? newline : end) - at);
	return at;
}

/* What would move a terminal's cursor, or turn the direction of what follows: a reader must
 * see the line in the order that the compiler did. */
static bool is_harmless(unsigned code)
{
	return code >= 0xa0 && (code < 0xd800 || code > 0xdfff) &&
	       (code < 0x200e || code > 0x200f) && (code < 0x2028 || code > 0x202e) &&
	       (code < 0x2066 || code > 0x2069) && code != 0xfeff;
}

/* The length of the character of several bytes that stands at `at`; 0 if there is none
 * that may be shown. */
static size_t wide_character(const unsigned char *at, size_t size)
{
	static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
	unsigned code = *at & (0xffu >> (length + 1));

	if (*at < 0xc2 || *at > 0xf4 || length > size)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	return code >= smallest[length] && code <= 0x10ffff && is_harmless(code) ? length
										 : 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static char shown(unsigned char c)
{
	if (is_blank((char)c))
		return ' ';
	return c < 0x20 || c >= 0x7f ? '?' : (char)c;
}

/* Copies what may be shown, at most SOURCE_LINE_MAX bytes and no character in part. */
static void copy(char *to, const char *from, size_t size)
{
	char *start = to;
	size_t length;

	for (; size; from += length, size -= length) {
		size_t wide = wide_character((const unsigned char *)from, size);

		length = wide ? wide : 1;
		if (to + length > start + SOURCE_LINE_MAX)
			break;
		memcpy(to, from, length);
		if (!wide)
			*to = shown((unsigned char)*from);
		to += length;
	}
	while (to > start && to[-1] == ' ')
		to--;
	*to = '\0';
}

const char *source_line(struct source_lines *lines, const char *file, int line)
{
	size_t size;
	const char *start = lines ? locate(find(lines, file), line, &size) : NULL;

	if (!start)
		return NULL;
	for (; size && is_blank(*start); size--)
		start++;
	copy(lines->text, start, size);
	return lines->text;
}

bool source_is_newer(struct source_lines *lines, const char *file,
		     const struct timespec *than)
{
	const struct file *found = lines ? find(lines, file) : NULL;

	if (!found || !found->bytes)
		return false;
	return found->written.tv_sec > than->tv_sec ||
	       (found->written.tv_sec == than->tv_sec &&
		found->written.tv_nsec > than->tv_nsec);
}

struct source_lines *source_lines_new(void)
{
	return calloc(1, sizeof(struct source_lines));
}

void source_lines_free(struct source_lines *lines)
{
	for (unsigned i = 0; lines && i < FILES_KEPT; i++)
		forget(&lines->files[i]);
	free(lines);
}
