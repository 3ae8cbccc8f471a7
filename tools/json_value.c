/* SPDX-License-Identifier: MIT */
/* Strings and numbers that any reader of JSON takes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "json_value.h"
#include "trace/text.h"

#define WRITTEN_BYTES 512u

json_t *json_foreign(const char *string, size_t max)
{
	size_t size = string ? strnlen(string, max) : 0;
	AUTO_FREE char *clean = NULL;
	struct text_buffer buffer;
	struct text_sink sink;

	if (!size)
		return json_null();
	/* A byte becomes one byte at most. */
	clean = malloc(size + 1);
	if (!clean)
		return NULL;
	text_buffer_init(&buffer, clean, size + 1);
	sink = text_buffer_sink(&buffer);
	text_foreign(&sink, string, size);
	return json_stringn(clean, buffer.used);
}

json_t *json_written(void (*put)(const struct text_sink *sink, const void *context),
		     const void *context)
{
	char bytes[WRITTEN_BYTES];
	struct text_buffer buffer;
	struct text_sink sink;

	text_buffer_init(&buffer, bytes, sizeof(bytes));
	sink = text_buffer_sink(&buffer);
	put(&sink, context);
	/* Where it was cut, a character may have been. */
	return json_foreign(bytes, buffer.used);
}

json_t *json_number(uint64_t count)
{
	return json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count);
}

json_t *json_ms(uint64_t ns)
{
	return json_real((double)ns / 1000000);
}

json_t *json_identity(uint64_t value)
{
	char digits[24];

	if (!value)
		return json_null();
	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	return json_string(digits);
}

json_t *json_moment(uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000);
	char day[32], moment[48];
	struct tm tm;

	if (!ns || !gmtime_r(&seconds, &tm))
		return json_null();
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(moment, sizeof(moment), "%s.%03uZ", day,
		 (unsigned)(ns / 1000000 % 1000));
	return json_string(moment);
}

static void drop_if_failed(json_t **container, json_t *value, int failed)
{
	if (*container && value && !failed)
		return;
	json_decref(*container);
	*container = NULL;
}

/* jansson takes the value over even where it fails, and refuses NULL. */
void json_put(json_t **object, const char *key, json_t *value)
{
	drop_if_failed(object, value, json_object_set_new(*object, key, value));
}

void json_add(json_t **array, json_t *value)
{
	drop_if_failed(array, value, json_array_append_new(*array, value));
}
