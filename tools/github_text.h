/* SPDX-License-Identifier: MIT */
/* Text inside of GitHub's workflow commands and of Markdown tables. */
#pragma once

#include <stddef.h>
#include <stdio.h>

enum github_place {
	GITHUB_MESSAGE,  /* behind the :: */
	GITHUB_PROPERTY, /* a value in front of it */
	GITHUB_CELL,     /* of a Markdown table */
};

/* Escapes what would end the text there or begin something else. Control characters that GitHub
 * has no escape for become '?'. */
void github_put(FILE *out, enum github_place place, const char *text);

/* The path as GitHub knows the file: without "x/.." and "." in it, and relative to the workspace
 * (NULL or "": none) if it lies below. The result is cut to fit; size is at least 1. */
void github_path(char *out, size_t size, const char *path, const char *workspace);
