/* SPDX-License-Identifier: MIT */
/*
 * The line that an instruction is on, from a code object's own table, which never changes.
 *
 * Not by PyCode_Addr2Line: from 3.11 on it is ten times slower, and reads what others change.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "python_offsets.h"

/* `lasti` is in bytes, -1 or -2 before the first instruction. 0: it has no line. */
int32_t python_line(enum python_lines form, const uint8_t *table, size_t size,
		    int32_t first_line, int32_t lasti);
