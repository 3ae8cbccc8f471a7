/* SPDX-License-Identifier: MIT */
/* Reads classes: their flags, and what is in their dictionary. */
#include <string.h>

#include "python_check.h"
#include "python_class.h"
#include "python_find.h"
#include "python_memory.h"
#include "python_text.h"

/* struct _typeobject, the same from 3.6 to 3.14. */
#define TYPE_FLAGS    168
#define TYPE_DICT     264
#define TYPE_VERSION  384         /* tp_version_tag, 32 bits: no two are alike */
#define TYPE_SUBCLASS (1ul << 31) /* Py_TPFLAGS_TYPE_SUBCLASS */

/* PyDictObject. */
#define DICT_USED 16
#define DICT_KEYS 32

/* struct _dictkeysobject, to 3.10 and from 3.11 on. */
#define KEYS_SIZE            8  /* dk_size */
#define KEYS_COUNT           32 /* dk_nentries */
#define KEYS_INDICES         40
#define KEYS_LOG2_BYTES      9 /* dk_log2_index_bytes, one byte, and the next: */
#define KEYS_KIND            10
#define KEYS_COUNT_311       24
#define KEYS_INDICES_311     32
#define KIND_GENERAL         0
#define KIND_UNICODE         1
#define ENTRIES_MAX          4096u
#define INDEX_BYTES_LOG2_MAX 16

struct entries {
	uintptr_t first; /* entry, its key at `key`, its value behind that */
	uintptr_t count;
	unsigned size;
	unsigned key;
};

bool python_is_metaclass(bool checked, uintptr_t type)
{
	uintptr_t flags;

	return python_load(checked, type + TYPE_FLAGS, &flags) && flags & TYPE_SUBCLASS;
}

/* Indices are of 1, 2, 4 or 8 bytes, as large as the table needs (DK_IXSIZE). */
static bool entries_to_310(uintptr_t keys, struct entries *entries)
{
	uintptr_t size;

	if (!python_load(true, keys + KEYS_SIZE, &size) || size & (size - 1) ||
	    size > 2 * ENTRIES_MAX ||
	    !python_load(true, keys + KEYS_COUNT, &entries->count))
		return false;
	entries->first = keys + KEYS_INDICES + size * (size <= 0xff ? 1 : 2);
	entries->size = 24;
	entries->key = 8; /* behind the hash */
	return true;
}

static bool entries_from_311(uintptr_t keys, struct entries *entries)
{
	uintptr_t word;
	unsigned kind, log2_bytes;

	if (!python_load(true, keys + (KEYS_LOG2_BYTES & ~7), &word) ||
	    !python_load(true, keys + KEYS_COUNT_311, &entries->count))
		return false;
	log2_bytes = word >> 8 * (KEYS_LOG2_BYTES & 7) & 0xff;
	kind = word >> 8 * (KEYS_KIND & 7) & 0xff;
	if (log2_bytes > INDEX_BYTES_LOG2_MAX || kind > KIND_UNICODE)
		return false;
	entries->first = keys + KEYS_INDICES_311 + (1ul << log2_bytes);
	entries->size = kind == KIND_GENERAL ? 24 : 16;
	entries->key = kind == KIND_GENERAL ? 8 : 0;
	return true;
}

static bool entries_of(uintptr_t class, struct entries *entries)
{
	uintptr_t dict, keys;

	if (!python_load(true, class + TYPE_DICT, &dict) || !dict ||
	    !python_load(true, dict + DICT_KEYS, &keys) || !keys)
		return false;
	if (!(python.at.lines == PYTHON_LINES_LOCATIONS ? entries_from_311(keys, entries)
							: entries_to_310(keys, entries)))
		return false;
	return entries->count <= ENTRIES_MAX;
}

static bool named(const struct entries *entries, const char *name, uintptr_t *value)
{
	for (uintptr_t i = 0; i < entries->count; i++) {
		uintptr_t at = entries->first + i * entries->size + entries->key;
		uintptr_t key;

		if (!python_load(true, at, &key) || !python_load(true, at + 8, value))
			return false;
		if (key && *value && python_check_is(key, name))
			return true;
	}
	return false;
}

bool python_class_method(uintptr_t class, uintptr_t *code)
{
	static const char *const methods[] = {"connection_made", "data_received",
					      "buffer_updated", "__init__"};
	struct entries entries;
	uintptr_t value;

	if (!entries_of(class, &entries))
		return false;
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		if (named(&entries, methods[i], &value))
			return python_check_function(value, code);
	}
	return false;
}

static uint64_t word(uintptr_t at)
{
	return *(const uint64_t *)at;
}

uint64_t python_class_key(uintptr_t class)
{
	uintptr_t dict = word(class + TYPE_DICT);
	uint64_t key = class * 0xff51afd7ed558ccdull ^ dict;

	key = (key ^ key >> 32) * 0xff51afd7ed558ccdull;
	key ^= (uint32_t)word(class + TYPE_VERSION);
	if (dict)
		key ^= word(dict + DICT_KEYS) + (word(dict + DICT_USED) << 48);
	return (key ^ key >> 32) * 0xff51afd7ed558ccdull;
}
