/* SPDX-License-Identifier: MIT */
/* Names in the interpreter: str objects (in 2.7: byte strings), and their UTF-8. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct python_text {
	const uint8_t *data;
	size_t length; /* in characters */
	unsigned kind; /* bytes a character: 1, 2, 4; 0: the bytes as they are */
};

/* False: not of the compact form, or longer than a name can be. `object` is of the right type. */
bool python_text_of(uintptr_t object, struct python_text *text);

static inline size_t python_text_size(const struct python_text *text)
{
	return text->length * (text->kind ? text->kind : 1);
}

/* Writes it as UTF-8, cut to fit, with a NUL. What os.fsdecode() made of a byte that is no UTF-8
 * (U+DC80 to U+DCFF) becomes that byte. */
void python_text_put(const struct python_text *text, char *to, size_t room);
