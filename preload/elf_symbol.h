/* SPDX-License-Identifier: MIT */
/*
 * What a loaded module exports, by its own hash table in memory (DT_GNU_HASH).
 *
 * dlsym takes the loader's lock, and where there is no such symbol it allocates and changes what
 * the program's dlerror() says. This does neither. For the holder of the sites' lock.
 */
#pragma once

#include "modules.h"

/* The address of a symbol that the module defines; 0: it does not. */
uintptr_t elf_symbol(const struct module *module, const char *name);

/* The address behind its last byte, by the size that its symbol tells; 0: there is none. */
uintptr_t elf_symbol_end(const struct module *module, const char *name);
