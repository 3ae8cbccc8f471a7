/* SPDX-License-Identifier: MIT */
/*
 * C++ names as people write them.
 *
 * The demangler is libstdc++'s, which is loaded at the first name that needs it: who has
 * no C++ program needs no libstdc++.
 */
#pragma once

struct demangler;

/* NULL: no memory. */
struct demangler *demangler_new(void);
void demangler_free(struct demangler *demangler);

/* The name as it is if it is not mangled, or if that cannot be undone. What is returned
 * lives as long as the demangler and `name` do. */
const char *demangle(struct demangler *demangler, const char *name);
