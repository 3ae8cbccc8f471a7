/* SPDX-License-Identifier: MIT */
/* Words, numbers and units into a sink, without stdio. */
#include <signal.h>
#include <string.h>

#include "text.h"

static void buffer_put(void *context, const char *bytes, size_t size)
{
	struct text_buffer *buffer = context;
	size_t room = buffer->size - 1 - buffer->used;

	if (size > room) {
		buffer->cut = true;
		size = room;
	}
	memcpy(buffer->bytes + buffer->used, bytes, size);
	buffer->used += size;
	buffer->bytes[buffer->used] = '\0';
}

void text_buffer_init(struct text_buffer *buffer, char *bytes, size_t size)
{
	*buffer = (struct text_buffer){.bytes = bytes, .size = size};
	bytes[0] = '\0';
}

struct text_sink text_buffer_sink(struct text_buffer *buffer)
{
	return (struct text_sink){.put = buffer_put, .context = buffer};
}

void text_bytes(const struct text_sink *sink, const char *bytes, size_t size)
{
	if (size)
		sink->put(sink->context, bytes, size);
}

void text_put(const struct text_sink *sink, const char *string)
{
	text_bytes(sink, string, strlen(string));
}

/* Code points that move the cursor or turn the text around: C1 controls (a terminal takes
 * them for escape sequences, in UTF-8 too), line separators, marks of direction. */
static bool is_control(uint32_t code)
{
	return (code >= 0x80 && code < 0xa0) || code == 0x61c || code == 0x200e ||
	       code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

/* Bytes of the UTF-8 sequence that `lead` begins, 0 if none begins so. */
static size_t sequence_size(unsigned char lead)
{
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Bytes of the character at `string` if it may be shown as it is, else 0. */
static size_t shown_size(const char *string, size_t room)
{
	static const uint32_t least[] = {[2] = 0x80, [3] = 0x800, [4] = 0x10000};
	const unsigned char *bytes = (const unsigned char *)string;
	size_t size = sequence_size(bytes[0]);
	uint32_t code;

	if (bytes[0] < 0x80)
		return bytes[0] >= 0x20 && bytes[0] != 0x7f;
	if (!size || size > room)
		return 0;
	code = bytes[0] & (0xffu >> (size + 1));
	for (size_t i = 1; i < size; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3fu);
	}
	if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	return is_control(code) ? 0 : size;
}

void text_foreign(const struct text_sink *sink, const char *string, size_t max)
{
	size_t size = strnlen(string, max);
	size_t start = 0, i = 0;

	while (i < size) {
		size_t shown = shown_size(string + i, size - i);

		i += shown;
		if (shown)
			continue;
		text_bytes(sink, string + start, i - start);
		text_put(sink, "?");
		start = ++i;
	}
	text_bytes(sink, string + start, size - start);
}

void text_spaces(const struct text_sink *sink, size_t count)
{
	static const char blanks[] = "                                ";

	for (; count >= sizeof(blanks); count -= sizeof(blanks) - 1)
		text_bytes(sink, blanks, sizeof(blanks) - 1);
	text_bytes(sink, blanks, count);
}

void text_padded(const struct text_sink *sink, const char *string, size_t width)
{
	size_t size = strlen(string);

	text_bytes(sink, string, size);
	if (size < width)
		text_spaces(sink, width - size);
}

void text_unsigned_wide(const struct text_sink *sink, uint64_t value, size_t width)
{
	char digits[20];
	size_t start = sizeof(digits);

	do {
		digits[--start] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	if (sizeof(digits) - start < width)
		text_spaces(sink, width - (sizeof(digits) - start));
	text_bytes(sink, digits + start, sizeof(digits) - start);
}

void text_unsigned(const struct text_sink *sink, uint64_t value)
{
	text_unsigned_wide(sink, value, 0);
}

void text_signed(const struct text_sink *sink, int64_t value)
{
	if (value < 0)
		text_put(sink, "-");
	text_unsigned(sink, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void text_hex(const struct text_sink *sink, uint64_t value, int digits)
{
	char out[16];
	int start = sizeof(out);

	while (start > 0 && (value || (int)sizeof(out) - start < digits || start == 16)) {
		out[--start] = "0123456789abcdef"[value & 15];
		value >>= 4;
	}
	text_bytes(sink, out + start, sizeof(out) - (size_t)start);
}

void text_count(const struct text_sink *sink, uint64_t count, const char *noun)
{
	text_unsigned(sink, count);
	text_put(sink, " ");
	text_put(sink, noun);
	if (count != 1)
		text_put(sink, "s");
}

/* value / unit with one decimal, unless that is 0. */
static void decimal(const struct text_sink *sink, uint64_t value, uint64_t unit)
{
	uint64_t tenths = value % unit / (unit / 10);

	text_unsigned(sink, value / unit);
	if (!tenths)
		return;
	text_put(sink, ".");
	text_unsigned(sink, tenths);
}

/* 1m58s: `high` and, with two digits, `low`. */
static void pair(const struct text_sink *sink, uint64_t high, const char *high_unit,
		 uint64_t low, const char *low_unit)
{
	text_unsigned(sink, high);
	text_put(sink, high_unit);
	if (low < 10)
		text_put(sink, "0");
	text_unsigned(sink, low);
	text_put(sink, low_unit);
}

static void short_duration(const struct text_sink *sink, uint64_t ns)
{
	if (ns < 100000) {
		text_unsigned(sink, ns / 1000);
		text_put(sink, " us");
	} else if (ns < 10000000) {
		decimal(sink, ns, 1000000);
		text_put(sink, " ms");
	} else {
		text_unsigned(sink, ns / 1000000);
		text_put(sink, " ms");
	}
}

void text_duration(const struct text_sink *sink, uint64_t ns)
{
	const uint64_t second = 1000000000;
	uint64_t s = ns / second;

	if (ns < second) {
		short_duration(sink, ns);
	} else if (s < 10) {
		decimal(sink, ns, second);
		text_put(sink, "s");
	} else if (s < 60) {
		text_unsigned(sink, s);
		text_put(sink, "s");
	} else if (s < 3600) {
		pair(sink, s / 60, "m", s % 60, "s");
	} else if (s < 86400) {
		pair(sink, s / 3600, "h", s / 60 % 60, "m");
	} else {
		pair(sink, s / 86400, "d", s / 3600 % 24, "h");
	}
}

void text_size(const struct text_sink *sink, uint64_t bytes)
{
	static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB"};
	unsigned unit = 0;
	uint64_t scale = 1;

	while (unit < 4 && bytes / scale >= 1024) {
		scale *= 1024;
		unit++;
	}
	text_unsigned(sink, bytes / scale);
	if (unit && bytes % scale * 10 / scale) {
		text_put(sink, ".");
		text_unsigned(sink, bytes % scale * 10 / scale);
	}
	text_put(sink, units[unit]);
}

void text_signal(const struct text_sink *sink, int number)
{
	/* glibc 2.36 reads one entry behind its table for NSIG itself. */
	const char *name = number < NSIG ? sigabbrev_np(number) : NULL;

	text_put(sink, name ? "SIG" : "signal ");
	if (name)
		text_put(sink, name);
	else
		text_signed(sink, number);
}

void text_errno(const struct text_sink *sink, int number)
{
	const char *name = strerrorname_np(number);

	text_put(sink, name ? name : "error ");
	if (!name)
		text_signed(sink, number);
}

const char *text_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
