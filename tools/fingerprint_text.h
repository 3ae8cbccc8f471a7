/* SPDX-License-Identifier: MIT */
/* Fingerprints as text: exactly eight hexadecimal digits. */
#pragma once

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Returns false if the text is none. */
static inline bool fingerprint_parse(const char *text, uint32_t *fingerprint)
{
	if (strlen(text) != 8)
		return false;
	for (int i = 0; i < 8; i++)
		if (!isxdigit((unsigned char)text[i]))
			return false;
	*fingerprint = (uint32_t)strtoul(text, NULL, 16);
	return true;
}
