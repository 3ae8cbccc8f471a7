/* SPDX-License-Identifier: MIT */
/* Durations as users write them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* "100ms", "10s", "2m", "1h"; a bare number is seconds. The same as in CLOSEWAIT_OPTIONS. Returns
 * false if it is none, or too long for 64 bits of ns. */
bool duration_parse(const char *text, uint64_t *ns);
