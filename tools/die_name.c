/* SPDX-License-Identifier: MIT */
/* Names of DIEs: the linker's, or put together from their scopes. */
#include <dwarf.h>
#include <search.h>
#include <string.h>

#include "cleanup.h"
#include "die_name.h"

#define NAME_MAX_BYTES 512u
#define REFERENCES_MAX 8 /* from a place to where it was declared; 2 are usual */

struct die_names {
	struct demangler *demangler;
	void *kept; /* tsearch's tree of strings */
};

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* A copy that lives as long as `names`; the same for the same text. */
static const char *keep(struct die_names *names, const char *text)
{
	char *const *found = tfind(text, &names->kept, compare);
	char *copy;

	if (found)
		return *found;
	copy = strdup(text);
	if (copy && tsearch(copy, &names->kept, compare))
		return copy;
	free(copy);
	return NULL;
}

static const char *linkage_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
		return dwarf_formstring(&attribute);
	return NULL;
}

/* From the place where it is inlined to where it stands in its class or namespace. */
static Dwarf_Die declaration(Dwarf_Die die)
{
	Dwarf_Attribute attribute;
	Dwarf_Die next;

	for (int i = 0; i < REFERENCES_MAX; i++) {
		if (!dwarf_attr(&die, DW_AT_abstract_origin, &attribute) &&
		    !dwarf_attr(&die, DW_AT_specification, &attribute))
			break;
		if (!dwarf_formref_die(&attribute, &next))
			break;
		die = next;
	}
	return die;
}

/* NULL: a scope that a name does not tell. */
static const char *scope_name(Dwarf_Die *scope)
{
	const char *name = dwarf_diename(scope);

	switch (dwarf_tag(scope)) {
	case DW_TAG_namespace:
		return name ? name : "(anonymous namespace)";
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_subprogram:
		return name;
	default:
		return NULL;
	}
}

static const char *scoped_name(struct die_names *names, Dwarf_Die *die, const char *plain)
{
	Dwarf_Die declared = declaration(*die);
	AUTO_FREE Dwarf_Die *scopes = NULL;
	int count = dwarf_getscopes_die(&declared, &scopes);
	char whole[NAME_MAX_BYTES];
	size_t used = 0;

	for (int i = count - 1; i > 0; i--) {
		const char *name = scope_name(&scopes[i]);

		if (!name)
			continue;
		used += (size_t)snprintf(whole + used, sizeof(whole) - used,
					 "%s::", name);
		if (used >= sizeof(whole))
			return plain;
	}
	if (!used ||
	    used + (size_t)snprintf(whole + used, sizeof(whole) - used, "%s", plain) >=
		    sizeof(whole))
		return plain;
	return keep(names, whole);
}

const char *die_name(struct die_names *names, Dwarf_Die *die, const char **raw)
{
	const char *plain = dwarf_diename(die);

	*raw = linkage_name(die);
	if (!names)
		return *raw ? *raw : plain;
	if (*raw)
		return demangle(names->demangler, *raw);
	return plain ? scoped_name(names, die, plain) : NULL;
}

struct die_names *die_names_new(struct demangler *demangler)
{
	struct die_names *names = calloc(1, sizeof(*names));

	if (names)
		names->demangler = demangler;
	return names;
}

void die_names_free(struct die_names *names)
{
	if (!names)
		return;
	tdestroy(names->kept, free);
	free(names);
}
