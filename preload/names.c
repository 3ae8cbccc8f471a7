/* SPDX-License-Identifier: MIT */
/* Names functions from the symbol tables of the files on disk. */
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

#include "names.h"
#include "sys.h"

#define FILES 32

/* A mapped file; which module it was opened for, and whether it is still the one that was
 * loaded. */
static struct file {
	const struct cw_module *module;
	const uint8_t *bytes; /* NULL: cannot be read, or has changed since */
	size_t size;
} files[FILES];
static unsigned next;

static const void *at(const struct file *f, uint64_t offset, uint64_t size)
{
	return offset <= f->size && size <= f->size - offset ? f->bytes + offset : NULL;
}

static const ElfW(Shdr) * section(const struct file *f, unsigned index)
{
	const ElfW(Ehdr) *ehdr = (const ElfW(Ehdr) *)f->bytes;

	if (index >= ehdr->e_shnum || ehdr->e_shentsize != sizeof(ElfW(Shdr)))
		return NULL;
	return at(f, ehdr->e_shoff + (uint64_t)index * sizeof(ElfW(Shdr)),
		  sizeof(ElfW(Shdr)));
}

static bool same_build_id(const struct file *f, const struct cw_module *module)
{
	const ElfW(Shdr) * s;

	if (!module->build_id_size)
		return true;
	for (unsigned i = 0; (s = section(f, i)); i++) {
		const ElfW(Nhdr) *note = at(f, s->sh_offset, sizeof *note);
		const uint8_t *id;

		if (s->sh_type != SHT_NOTE || !note || note->n_type != NT_GNU_BUILD_ID ||
		    note->n_namesz != 4 || note->n_descsz != module->build_id_size)
			continue;
		id = at(f, s->sh_offset + sizeof *note + 4, note->n_descsz);
		return id && memcmp(id, module->build_id, note->n_descsz) == 0;
	}
	return true;
}

static void map(struct file *f, const char *path, const struct cw_module *module)
{
	struct stat st;
	int fd = path[0] == '/' ? sys_open(path, O_RDONLY, 0) : -1;

	f->bytes = NULL;
	if (fd < 0)
		return;
	if (sys_fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size >= (off_t)sizeof(ElfW(Ehdr))) {
		f->size = (size_t)st.st_size;
		f->bytes = sys_mmap(f->size, PROT_READ, MAP_PRIVATE, fd);
	}
	sys_close(fd);
	if (!f->bytes)
		return;
	if (memcmp(f->bytes, ELFMAG, SELFMAG) != 0 || f->bytes[EI_CLASS] != ELFCLASS64 ||
	    !same_build_id(f, module)) {
		sys_munmap((void *)f->bytes, f->size);
		f->bytes = NULL;
	}
}

static const struct file *file_of(const struct trace_view *view,
				  const struct cw_module *module)
{
	struct file *f;

	for (unsigned i = 0; i < FILES; i++) {
		if (files[i].module == module)
			return &files[i];
	}
	f = &files[next++ % FILES];
	if (f->bytes)
		sys_munmap((void *)f->bytes, f->size);
	f->module = module;
	map(f, trace_string(view, module->path), module);
	return f;
}

/* The nearest function at or below `address` in one symbol table. */
static const ElfW(Sym) *
	nearest(const struct file *f, const ElfW(Shdr) * table, uint64_t address)
{
	uint64_t count = table->sh_size / sizeof(ElfW(Sym));
	const ElfW(Sym) *symbols = at(f, table->sh_offset, count * sizeof *symbols);
	const ElfW(Sym) *best = NULL;

	for (uint64_t i = 0; symbols && i < count; i++) {
		const ElfW(Sym) *s = &symbols[i];
		unsigned type = ELF64_ST_TYPE(s->st_info);

		if ((type != STT_FUNC && type != STT_GNU_IFUNC) ||
		    s->st_shndx == SHN_UNDEF || s->st_value > address ||
		    (best && best->st_value >= s->st_value))
			continue;
		best = s;
	}
	return best && (!best->st_size || address < best->st_value + best->st_size)
		       ? best
		       : NULL;
}

static bool name_in(const struct file *f, unsigned type, uint64_t address,
		    struct symbol *out)
{
	const ElfW(Shdr) * table;

	for (unsigned i = 0; (table = section(f, i)); i++) {
		const ElfW(Shdr) * strings;
		const ElfW(Sym) * s;
		const char *name;

		if (table->sh_type != type)
			continue;
		s = nearest(f, table, address);
		strings = s ? section(f, table->sh_link) : NULL;
		if (!strings || s->st_name >= strings->sh_size)
			continue;
		name = at(f, strings->sh_offset + s->st_name,
			  strings->sh_size - s->st_name);
		if (!name || !memchr(name, 0, strings->sh_size - s->st_name))
			continue;
		out->function = name;
		out->offset = address - s->st_value;
		return true;
	}
	return false;
}

static int name(void *context, const struct trace_view *view,
		const struct cw_module *module, uint64_t pc, struct symbol *out, int max)
{
	const struct file *f = module ? file_of(view, module) : NULL;

	(void)context;
	if (!f || !f->bytes || max < 1)
		return 0;
	memset(out, 0, sizeof *out);
	return name_in(f, SHT_SYMTAB, pc - module->base, out) ||
	       name_in(f, SHT_DYNSYM, pc - module->base, out);
}

struct symbolizer names_symbolizer(void)
{
	return (struct symbolizer){.name = name};
}
