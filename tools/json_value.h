/* SPDX-License-Identifier: MIT */
/*
 * JSON values from what a trace holds: foreign strings made clean, 64-bit numbers made fit.
 *
 * Every function returns a new reference, the caller's, or NULL if there is no memory.
 * json_pack() and those that take a value here pass such a NULL on, so that nobody checks
 * each value: what is incomplete is NULL as a whole.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "trace/report.h"

static inline void cleanup_json(json_t **value)
{
	json_decref(*value);
}

/* The variable owns a reference. */
#define AUTO_JSON __attribute__((cleanup(cleanup_json)))

/* The same value without the variable's reference being given back. */
static inline json_t *json_take(json_t **value)
{
	json_t *taken = *value;

	*value = NULL;
	return taken;
}

/* At most `max` bytes of a string, up to its NUL, as text_foreign() shows it. NULL and "" give
 * null. */
json_t *json_foreign(const char *string, size_t max);
/* What put() writes, at most 512 bytes of it; nothing gives null. */
json_t *json_written(void (*put)(const struct text_sink *sink, const void *context),
		     const void *context);
/* A count; beyond what JSON's readers take for an integer it stays there. */
json_t *json_number(uint64_t count);
/* Milliseconds, with nanoseconds behind the point. */
json_t *json_ms(uint64_t ns);
/* "193155": a string, since readers would round it as a number; 0 gives null. */
json_t *json_identity(uint64_t value);
/* A moment since the epoch in ns, as RFC 3339 has it; 0 gives null. */
json_t *json_moment(uint64_t ns);

/* Each takes over `value`; on a failure *container, too, is given back and set to NULL. */
void json_put(json_t **object, const char *key, json_t *value);
void json_add(json_t **array, json_t *value);
