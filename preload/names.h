/* SPDX-License-Identifier: MIT */
/*
 * Function names in a dying process: a small reader of ELF symbol tables.
 *
 * Files are opened and mapped by hand; no dladdr, no loader lock, no malloc. The command
 * does it properly, with lines and inlined functions; this gives what .symtab and .dynsym
 * hold.
 */
#pragma once

#include "trace/report.h"

/* Its state is static: for one report at a time. */
struct symbolizer names_symbolizer(void);
