/* SPDX-License-Identifier: MIT */
/* Escaping for GitHub, as its runner undoes it (actions/toolkit, core/src/command.ts). */
#include <stdbool.h>
#include <string.h>

#include "github_text.h"
#include "plain_path.h"

static bool is_escaped(enum github_place place, char c)
{
	if (place == GITHUB_CELL)
		return strchr("\\`|*_<>[]~&", c);
	if (c == '%' || c == '\r' || c == '\n')
		return true;
	return place == GITHUB_PROPERTY && (c == ':' || c == ',');
}

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == '\x7f';
}

void github_put(FILE *out, enum github_place place, const char *text)
{
	for (; *text; text++) {
		if (is_escaped(place, *text))
			fprintf(out, place == GITHUB_CELL ? "&#%d;" : "%%%02X", *text);
		else
			putc(is_control(*text) ? '?' : *text, out);
	}
}

void github_path(char *out, size_t size, const char *path, const char *workspace)
{
	char root[4096];
	size_t length;

	plain_path(out, size, path);
	if (!workspace || *workspace != '/')
		return;
	plain_path(root, sizeof(root), workspace);
	length = strlen(root);
	if (strncmp(out, root, length) == 0 && out[length] == '/')
		memmove(out, out + length + 1, strlen(out + length + 1) + 1);
}
