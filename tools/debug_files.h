/* SPDX-License-Identifier: MIT */
/*
 * The separate files that a binary names for its debug information.
 *
 * Who can choose the binary can choose those names. libdw opens them as they are, and
 * would wait for ever for the writer of a FIFO.
 */
#pragma once

#include <elfutils/libdwfl.h>
#include <stdbool.h>

/* dwfl_standard_find_debuginfo(), but for a binary whose candidates are not all files. */
int debug_files_find(Dwfl_Module *module, void **userdata, const char *name,
		     Dwarf_Addr base, const char *file, const char *link, GElf_Word crc,
		     char **found);

/* Whether the supplement that dwz made for several binaries is a file, or there is none. */
bool debug_files_supplement_is_file(Dwfl_Module *module);
