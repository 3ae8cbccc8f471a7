/* SPDX-License-Identifier: MIT */
/* Numbers and durations as users write them, in CLOSEWAIT_OPTIONS and on the command line. No
 * libc state is touched: callable in the traced process. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Decimal digits, and in *rest what follows them. Returns false if there are none, or too many
 * for 64 bits. */
bool number_parse(const char *text, uint64_t *number, const char **rest);

/* "100ms", "10s", "2m", "1h"; a bare number is seconds. Returns false if it is none, or too long
 * for 64 bits of ns. */
bool duration_parse(const char *text, uint64_t *ns);
