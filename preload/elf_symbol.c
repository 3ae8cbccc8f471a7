/* SPDX-License-Identifier: MIT */
/* Looks up an exported symbol. */
#include <elf.h>
#include <link.h>
#include <string.h>

#include "elf_symbol.h"

#define CHAIN_MAX 4096u /* a chain that is longer is no chain */

/* Header of DT_GNU_HASH: then the bloom words, the buckets, the chain. */
struct gnu_hash {
	uint32_t buckets;
	uint32_t first; /* index of the first symbol that is in the table */
	uint32_t blooms;
	uint32_t shift;
};

struct symbol_table {
	const struct module *module;
	uintptr_t hash;
	uintptr_t symbols;
	uintptr_t strings;
};

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (uint8_t)*name;
	return hash;
}

/* The loader makes most of them addresses, but leaves those of a table it cannot write. */
static uintptr_t relocated(const struct module *m, uintptr_t value)
{
	return value >= m->low && value < m->high ? value : m->base + value;
}

static bool find_table(struct symbol_table *t)
{
	const ElfW(Dyn) *entry = (const ElfW(Dyn) *)t->module->dynamic;

	for (; module_holds(t->module, (uintptr_t)entry, sizeof *entry) &&
	       entry->d_tag != DT_NULL;
	     entry++) {
		uintptr_t at = relocated(t->module, entry->d_un.d_ptr);

		if (entry->d_tag == DT_GNU_HASH)
			t->hash = at;
		else if (entry->d_tag == DT_SYMTAB)
			t->symbols = at;
		else if (entry->d_tag == DT_STRTAB)
			t->strings = at;
	}
	return t->symbols && t->strings && t->hash % sizeof(uint32_t) == 0 &&
	       module_holds(t->module, t->hash, sizeof(struct gnu_hash));
}

static bool is_named(const struct symbol_table *t, const ElfW(Sym) * symbol,
		     const char *name)
{
	uintptr_t at = t->strings + symbol->st_name;
	size_t size = strlen(name) + 1;

	return module_holds(t->module, at, size) &&
	       memcmp((const char *)at, name, size) == 0;
}

static const ElfW(Sym) *
	defined(const struct symbol_table *t, uint32_t index, const char *name)
{
	const ElfW(Sym) *symbol = (const ElfW(Sym) *)t->symbols + index;

	if (!module_holds(t->module, (uintptr_t)symbol, sizeof *symbol) ||
	    symbol->st_shndx == SHN_UNDEF || !is_named(t, symbol, name))
		return NULL;
	return symbol;
}

static const ElfW(Sym) * search(const struct symbol_table *t, const char *name)
{
	const struct gnu_hash *table = (const struct gnu_hash *)t->hash;
	const uintptr_t *bloom = (const uintptr_t *)(table + 1);
	const uint32_t *buckets = (const uint32_t *)(bloom + table->blooms);
	const uint32_t *chain = buckets + table->buckets;
	uint32_t hash = hash_of(name);
	uint32_t index;

	if (!table->buckets ||
	    !module_holds(t->module, (uintptr_t)buckets, 4ul * table->buckets))
		return NULL;
	index = buckets[hash % table->buckets];
	for (uint32_t n = 0; n < CHAIN_MAX && index >= table->first; n++, index++) {
		const uint32_t *link = chain + (index - table->first);
		const ElfW(Sym) * found;

		if (!module_holds(t->module, (uintptr_t)link, sizeof *link))
			return NULL;
		found = (*link | 1) == (hash | 1) ? defined(t, index, name) : NULL;
		if (found || *link & 1)
			return found;
	}
	return NULL;
}

static const ElfW(Sym) * find(const struct module *module, const char *name)
{
	struct symbol_table table = {.module = module};

	return module->dynamic && find_table(&table) ? search(&table, name) : NULL;
}

uintptr_t elf_symbol(const struct module *module, const char *name)
{
	const ElfW(Sym) *symbol = find(module, name);

	return symbol ? module->base + symbol->st_value : 0;
}

uintptr_t elf_symbol_end(const struct module *module, const char *name)
{
	const ElfW(Sym) *symbol = find(module, name);

	return symbol ? module->base + symbol->st_value + symbol->st_size : 0;
}
