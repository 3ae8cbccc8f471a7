/* SPDX-License-Identifier: MIT */
/*
 * What a function in the debug information is called, for people.
 *
 * As gdb names it: by what the linker would call it, demangled, which has the namespace,
 * the class and the parameters. What the linker never sees (in an anonymous namespace, a
 * lambda) is called by the scopes that it was declared in, without parameters; a function
 * of C has its name alone.
 */
#pragma once

#include <elfutils/libdw.h>

#include "demangle.h"

struct die_names;

/* Uses the demangler as long as it lives. NULL: no memory. */
struct die_names *die_names_new(struct demangler *demangler);
void die_names_free(struct die_names *names);

/* NULL: it has none. It lives as long as `names`, and the file of the DIE. *raw is the
 * linker's name, or NULL. */
const char *die_name(struct die_names *names, Dwarf_Die *die, const char **raw);
