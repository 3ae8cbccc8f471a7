/* SPDX-License-Identifier: MIT */
/* The library's start-up. */
#pragma once

#include <stdint.h>

/* Runs once: from our constructor, or from the first hook that another library's
 * constructor calls before it. */
void init_once(void);

/* When that was (ns). */
uint64_t init_time(void);
