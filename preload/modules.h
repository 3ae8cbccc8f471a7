/* SPDX-License-Identifier: MIT */
/*
 * The code that is mapped here: which module an address lies in, where its unwind table
 * is, and what of it may be read. Kept by ourselves: dl_iterate_phdr takes the loader's
 * lock, and a fork child whose parent had a thread in dlopen would wait for it for ever.
 * _dl_find_object (glibc 2.35) takes none; on an older libc the modules known are those
 * of the library's start-up.
 *
 * All functions but the last two are for the holder of the sites' lock. Those of one module, in
 * module.c, need nothing but that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "books.h"

#define MODULE_SEGMENTS 8

struct module {
	uintptr_t low;
	uintptr_t high;
	uintptr_t base;         /* load bias */
	uintptr_t eh_frame_hdr; /* 0: none that can be searched */
	uintptr_t dynamic;      /* its dynamic section; 0: none */
	uintptr_t table;        /* its binary search table, and the number of entries */
	uint32_t table_count;
	uint32_t segments;
	struct {
		uintptr_t low;
		uintptr_t high;
		bool writable;
		bool executable;
	} readable[MODULE_SEGMENTS];
	bool asked; /* whether it is an interpreter (python_find.h) */
	bool finalizer_sought;
	uintptr_t finalizer; /* of Python's sockets (python_collected.h); 0: not here */
	uint8_t build_id_size;
	uint8_t build_id[20];
	const char *name; /* the loader's; valid while it is loaded */
	cw_ref ref;
};

/* Called once at start-up. */
void modules_init(void);

/* The module that `pc` lies in; NULL: none (generated code, or a full table). */
const struct module *modules_find(uintptr_t pc);

/* What [at, at + 8) is, by the modules found before: memory that can be read, and that may change
 * while the module stays (variables, and stacks made of them) or not. */
enum module_memory { MODULE_NONE, MODULE_CONSTANT, MODULE_VARIABLE };
enum module_memory modules_memory(uintptr_t at);

enum module_memory module_memory(const struct module *m, uintptr_t at, size_t size);

/* Do these bytes lie in one readable segment of it? */
bool module_holds(const struct module *m, uintptr_t at, size_t size);

/* And may they be executed? */
bool module_executes(const struct module *m, uintptr_t at, size_t size);

/* The function that `pc` lies in, or the part of one that the compiler put elsewhere: where it
 * begins and where the next one does, by the module's unwind table; 0: not known. */
struct module_function {
	uintptr_t low;
	uintptr_t high;
	uintptr_t entry; /* its call frame information */
};
struct module_function module_function(const struct module *m, uintptr_t pc);

/* True once after a module was replaced by another at its addresses: caches of it are
 * wrong. */
bool modules_changed(void);

/* One return address (or, if exact, the address itself) as the trace keeps it. */
struct cw_frame modules_frame(struct books *b, uintptr_t pc, bool exact);

/* Is `pc` in this library? */
bool modules_own(uintptr_t pc);

void modules_forget(void);

/* How many modules were found so far, unloaded ones included. */
uint32_t modules_added(void);

/* A library was unloaded: from now on what lies at its addresses may be another. In any context,
 * without the lock. */
void modules_unloaded(void);
/* How often that was. */
uint32_t modules_unloads(void);
