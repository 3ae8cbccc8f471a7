/* SPDX-License-Identifier: MIT */
/* The uthash index of interned bytes. */
#include "site_index.h"
#include "arena.h"

#define HASH_NONFATAL_OOM          1
#define uthash_malloc(size)        arena_take(size)
#define uthash_free(at, size)      arena_give(at, size)
#define uthash_nonfatal_oom(entry) ((entry)->ref = 0)
#include <uthash.h>

struct index_entry {
	cw_ref ref;
	UT_hash_handle hh;
};

static struct index_entry *entries;

cw_ref site_index_find(const void *bytes, size_t size)
{
	struct index_entry *found = NULL;

	HASH_FIND(hh, entries, bytes, size, found);
	return found ? found->ref : 0;
}

void site_index_add(const void *bytes, size_t size, cw_ref ref)
{
	struct index_entry *entry = arena_take(sizeof *entry);

	if (!entry)
		return;
	entry->ref = ref;
	HASH_ADD_KEYPTR(hh, entries, bytes, size, entry);
}

void site_index_forget(void)
{
	entries = NULL;
}
