/* SPDX-License-Identifier: MIT */
/*
 * Colours for the text report on a terminal: each line by its shape. Without the escape
 * sequences the bytes are the same.
 */
#pragma once

#include <stdio.h>

#include "trace/report.h"

enum colour {
	COLOUR_AUTO, /* on a terminal, unless NO_COLOR is set or TERM is dumb */
	COLOUR_ALWAYS,
	COLOUR_NEVER,
};

struct colour_sink {
	const struct text_sink *inner;
	size_t used; /* bytes of the line begun */
	bool rest;   /* of a line that is too long to be coloured */
	char line[4096];
};

/* Returns 0, or -1 after one line on standard error that names the option. */
int colour_parse(const char *option, const char *argument, enum colour *colour);
bool colour_wanted(enum colour colour, FILE *stream);

/* `colours` and `inner` must outlive the sink. */
struct text_sink colour_sink_init(struct colour_sink *colours,
				  const struct text_sink *inner);
/* Puts what is left of a last line that has no end. */
void colour_sink_flush(struct colour_sink *colours);
