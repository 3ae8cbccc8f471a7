/* SPDX-License-Identifier: MIT */
/* __cxa_demangle, found at run time, and what it has said already. */
#include <dlfcn.h>
#include <search.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "demangle.h"

/* A substitution can double what it stands for: a name made for it would fill the memory. */
#define MANGLED_MAX 2048u

typedef char *demangle_function(const char *name, char *buffer, size_t *size,
				int *status);

struct demangler {
	bool tried; /* to load it */
	demangle_function *function;
	void *names; /* tsearch's tree of struct name */
};

struct name {
	char *mangled;
	char *plain; /* NULL: cannot be demangled */
};

static int compare(const void *a, const void *b)
{
	const struct name *one = a, *other = b;

	return strcmp(one->mangled, other->mangled);
}

static void free_name(void *pointer)
{
	struct name *name = pointer;

	free(name->mangled);
	free(name->plain);
	free(name);
}

/* The library is not closed again: it may have things to do at exit. */
static void load(struct demangler *demangler)
{
	void *library;

	if (demangler->tried)
		return;
	demangler->tried = true;
	library = dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL);
	if (library)
		demangler->function = dlsym(library, "__cxa_demangle");
}

static struct name *add(struct demangler *demangler, const char *mangled)
{
	struct name *name = calloc(1, sizeof(*name));
	int status;

	if (!name)
		return NULL;
	name->mangled = strdup(mangled);
	if (!name->mangled || !tsearch(name, &demangler->names, compare)) {
		free_name(name);
		return NULL;
	}
	name->plain = demangler->function(mangled, NULL, NULL, &status);
	return name;
}

const char *demangle(struct demangler *demangler, const char *mangled)
{
	const struct name key = {.mangled = (char *)(uintptr_t)mangled};
	struct name *const *found;
	const struct name *name;

	if (!demangler || strncmp(mangled, "_Z", 2) != 0 ||
	    strnlen(mangled, MANGLED_MAX) == MANGLED_MAX)
		return mangled;
	load(demangler);
	if (!demangler->function)
		return mangled;
	found = tfind(&key, &demangler->names, compare);
	name = found ? *found : add(demangler, mangled);
	return name && name->plain ? name->plain : mangled;
}

struct demangler *demangler_new(void)
{
	return calloc(1, sizeof(struct demangler));
}

void demangler_free(struct demangler *demangler)
{
	if (!demangler)
		return;
	tdestroy(demangler->names, free_name);
	free(demangler);
}
