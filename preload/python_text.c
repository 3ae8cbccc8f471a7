/* SPDX-License-Identifier: MIT */
/* Reads compact str objects. */
#include "python_text.h"
#include "python_find.h"

#define TEXT_LENGTH  16
#define TEXT_STATE   32
#define LENGTH_MAX   (1u << 20)
#define BYTES_LENGTH 16

bool python_text_of(uintptr_t object, struct python_text *text)
{
	uint32_t state;

	text->length = *(const uintptr_t *)(object + TEXT_LENGTH);
	if (text->length > LENGTH_MAX)
		return false;
	if (python.at.byte_names) {
		text->kind = 0;
		text->data = (const uint8_t *)object + python.at.bytes;
		return true;
	}
	/* PyASCIIObject.state: interned 2, kind 3, compact 1, ascii 1 */
	state = *(const uint32_t *)(object + TEXT_STATE);
	text->kind = state >> 2 & 7;
	text->data = (const uint8_t *)object +
		     (state >> 6 & 1 ? python.at.ascii : python.at.compact);
	return state >> 5 & 1 && (text->kind == 1 || text->kind == 2 || text->kind == 4);
}

static uint32_t character(const struct python_text *text, size_t i)
{
	if (text->kind == 4)
		return ((const uint32_t *)text->data)[i];
	return text->kind == 2 ? ((const uint16_t *)text->data)[i] : text->data[i];
}

static size_t encode(uint32_t c, uint8_t to[4])
{
	if (c >= 0xdc80 && c <= 0xdcff) {
		to[0] = (uint8_t)c;
		return 1;
	}
	if ((c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		c = '?';
	if (c < 0x80) {
		to[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (uint8_t)(0xc0 | c >> 6);
		to[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (uint8_t)(0xe0 | c >> 12);
		to[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		to[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (uint8_t)(0xf0 | c >> 18);
	to[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	to[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	to[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

void python_text_put(const struct python_text *text, char *to, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < text->length; i++) {
		uint8_t bytes[4] = {text->data[text->kind ? 0 : i]};
		size_t size = text->kind ? encode(character(text, i), bytes) : 1;

		if (used + size >= room || !bytes[0])
			break;
		for (size_t n = 0; n < size; n++)
			to[used++] = (char)bytes[n];
	}
	to[used] = '\0';
}
