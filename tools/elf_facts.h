/* SPDX-License-Identifier: MIT */
/*
 * What one ELF file says of itself, and whether its debug information is on this machine.
 *
 * The file is taken for hostile: what it says of its own layout is checked by libelf. No
 * server is asked for debug information.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct elf_facts {
	int class;     /* ELFCLASS32, ELFCLASS64 */
	int encoding;  /* ELFDATA2LSB, ELFDATA2MSB */
	int machine;   /* EM_… */
	int type;      /* ET_EXEC, ET_DYN, … */
	bool dynamic;  /* has PT_DYNAMIC; without a loader: -static-pie */
	char *loader;  /* PT_INTERP; NULL: none */
	char *soname;  /* NULL: none */
	char **needed; /* DT_NEEDED, in the file's order */
	size_t needed_count;
	bool go;      /* built by the Go toolchain */
	bool symbols; /* .symtab, here or in a debug file: names of static functions */
	bool lines;   /* .debug_info, here or in a debug file */
};

/* 0, and elf_facts_free must follow; -ENOEXEC: no ELF file, or a damaged one; -ENOMEM;
 * another -errno: it cannot be read. */
int elf_facts_read(struct elf_facts *facts, const char *path);
void elf_facts_free(struct elf_facts *facts);

/* The first needed library whose name begins so; NULL: none. */
const char *elf_facts_needs(const struct elf_facts *facts, const char *prefix);

/* "x86-64", "i386", …; NULL: not one that we have a name for. */
const char *elf_facts_machine(const struct elf_facts *facts);
