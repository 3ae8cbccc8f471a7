/* SPDX-License-Identifier: MIT */
/* Joins the read-only segments of a library. */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "few_mappings.h"
#include "sys.h"

#define PAGE 4096ul

static uintptr_t first_page(const ElfW(Phdr) * p)
{
	return p->p_vaddr & ~(PAGE - 1);
}

static uintptr_t end_page(const ElfW(Phdr) * p)
{
	return (p->p_vaddr + p->p_filesz + PAGE - 1) & ~(PAGE - 1);
}

static bool is_read_only(const ElfW(Phdr) * p)
{
	return !(p->p_flags & PF_W) && p->p_flags & PF_R && p->p_filesz == p->p_memsz;
}

/* In the file, too: one mapping has one offset. */
static bool follows(const ElfW(Phdr) * p, const ElfW(Phdr) * before)
{
	return first_page(p) == end_page(before) &&
	       p->p_vaddr - p->p_offset == before->p_vaddr - before->p_offset;
}

static void join(uintptr_t base)
{
	const ElfW(Ehdr) *e = (const ElfW(Ehdr) *)base;
	const ElfW(Phdr) *p = (const ElfW(Phdr) *)(base + e->e_phoff);
	const ElfW(Phdr) *last = NULL;
	bool executable = false;
	uintptr_t low = 0;

	for (unsigned i = 0; i < e->e_phnum; i++, p++) {
		if (p->p_type != PT_LOAD)
			continue;
		if (!is_read_only(p) || (last && !follows(p, last)))
			break;
		if (!last)
			low = first_page(p);
		executable |= (p->p_flags & PF_X) != 0;
		last = p;
	}
	if (executable)
		sys_call(SYS_mprotect, base + low, end_page(last) - low,
			 PROT_READ | PROT_EXEC, 0);
}

void few_mappings(const char *name)
{
	void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
	struct link_map *map;
	Dl_info where;

	/* One that is linked for an address of its own (prelink) may begin elsewhere. */
	if (library && dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 &&
	    dladdr(map->l_ld, &where) && (uintptr_t)where.dli_fbase == map->l_addr)
		join(map->l_addr);
}
