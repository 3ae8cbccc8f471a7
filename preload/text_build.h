/* SPDX-License-Identifier: MIT */
/* Builds short strings (paths, names) in fixed buffers, where snprintf must not be
 * called. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct text_build {
	char *to;
	size_t room; /* the closing NUL included */
	size_t used; /* what would be needed, NUL not counted: >= room means it was cut */
};

static inline struct text_build text_build_in(char *to, size_t room)
{
	to[0] = 0;
	return (struct text_build){.to = to, .room = room};
}

static inline void text_build_char(struct text_build *b, char c)
{
	if (b->used + 1 < b->room) {
		b->to[b->used] = c;
		b->to[b->used + 1] = 0;
	}
	b->used++;
}

static inline void text_build_string(struct text_build *b, const char *s)
{
	while (*s)
		text_build_char(b, *s++);
}

static inline void text_build_number(struct text_build *b, uint64_t n)
{
	char digits[20];
	int i = 0;

	do
		digits[i++] = (char)('0' + n % 10);
	while (n /= 10);
	while (i)
		text_build_char(b, digits[--i]);
}

static inline int text_build_fits(const struct text_build *b)
{
	return b->used < b->room;
}
