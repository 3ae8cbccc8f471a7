/* SPDX-License-Identifier: MIT */
/* `closewait top` on a terminal. */
#pragma once

#include <stdint.h>

#include "top_table.h"

/* How it begins. */
struct top_start {
	uint64_t interval; /* ns between two looks */
	enum top_order order;
	bool open;           /* what is no finding is shown, too */
	const char *metrics; /* a file that each look is written to; NULL: none */
};

/* Shows the table, until the user leaves; the table has been looked
 * at once. What is said on standard error meanwhile is said afterwards. Returns 0, or -1 after one
 * line on standard error: this is no terminal that could be used. */
int top_screen(struct top *top, const struct top_start *start);
