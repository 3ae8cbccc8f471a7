/* SPDX-License-Identifier: MIT */
/* Facts of an ELF file, by libelf. */
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "elf_facts.h"

#define DEBUG_ROOT "/usr/lib/debug" /* as libdwfl has it */
#define MAX_NEEDED 4096
#define ID_MAX     64

static void end_elf(Elf **elf)
{
	elf_end(*elf);
}

#define AUTO_ELF __attribute__((cleanup(end_elf)))

static Elf *begin_elf(int fd)
{
	elf_version(EV_CURRENT);
	return elf_begin(fd, ELF_C_READ_MMAP, NULL);
}

/* The string at `offset` of the file, if it ends within `size`. */
static char *string_at(Elf *elf, uint64_t offset, uint64_t size)
{
	Elf_Data *data;

	if (!size || offset > INT64_MAX || size > SIZE_MAX)
		return NULL;
	data = elf_getdata_rawchunk(elf, (int64_t)offset, (size_t)size, ELF_T_BYTE);
	if (!data || !data->d_buf || !memchr(data->d_buf, '\0', data->d_size))
		return NULL;
	return strdup(data->d_buf);
}

static bool find_segment(Elf *elf, uint32_t type, GElf_Phdr *header)
{
	size_t count;

	if (elf_getphdrnum(elf, &count) < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (gelf_getphdr(elf, (int)i, header) && header->p_type == type)
			return true;
	return false;
}

/* Where in the file `address` comes from, and how much follows it there; 0: nothing. */
static uint64_t file_offset(Elf *elf, uint64_t address, uint64_t *offset)
{
	GElf_Phdr header;
	size_t count;

	if (elf_getphdrnum(elf, &count) < 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_LOAD ||
		    address < header.p_vaddr ||
		    address - header.p_vaddr >= header.p_filesz)
			continue;
		*offset = header.p_offset + (address - header.p_vaddr);
		return header.p_filesz - (address - header.p_vaddr);
	}
	return 0;
}

struct dynamic {
	Elf_Data *data;
	size_t count;
	uint64_t strings; /* offset in the file */
	uint64_t strings_size;
};

/* By its segment, not by its section: a file without section headers runs as well. */
static bool open_dynamic(struct dynamic *dynamic, Elf *elf, const GElf_Phdr *header)
{
	GElf_Dyn entry;

	if (header->p_offset > INT64_MAX || header->p_filesz > SIZE_MAX)
		return false;
	dynamic->data = elf_getdata_rawchunk(elf, (int64_t)header->p_offset,
					     (size_t)header->p_filesz, ELF_T_DYN);
	if (!dynamic->data)
		return false;
	dynamic->count = header->p_filesz / gelf_fsize(elf, ELF_T_DYN, 1, EV_CURRENT);
	for (size_t i = 0; i < dynamic->count; i++) {
		if (!gelf_getdyn(dynamic->data, (int)i, &entry) || entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag == DT_STRTAB)
			dynamic->strings_size =
				file_offset(elf, entry.d_un.d_ptr, &dynamic->strings);
	}
	return dynamic->strings_size;
}

static int add_needed(struct elf_facts *facts, char *name)
{
	char **needed = reallocarray(facts->needed, facts->needed_count + 1,
				     sizeof(*facts->needed));

	if (!needed) {
		free(name);
		return -ENOMEM;
	}
	facts->needed = needed;
	facts->needed[facts->needed_count++] = name;
	return 0;
}

static int read_dynamic(struct elf_facts *facts, Elf *elf)
{
	struct dynamic dynamic = {0};
	GElf_Phdr header;
	GElf_Dyn entry;
	int error = 0;

	facts->dynamic = find_segment(elf, PT_DYNAMIC, &header);
	if (!facts->dynamic || !open_dynamic(&dynamic, elf, &header))
		return 0;
	for (size_t i = 0; i < dynamic.count && !error; i++) {
		char *name;

		if (!gelf_getdyn(dynamic.data, (int)i, &entry) || entry.d_tag == DT_NULL)
			break;
		if ((entry.d_tag != DT_NEEDED && entry.d_tag != DT_SONAME) ||
		    entry.d_un.d_val >= dynamic.strings_size ||
		    facts->needed_count == MAX_NEEDED)
			continue;
		name = string_at(elf, dynamic.strings + entry.d_un.d_val,
				 dynamic.strings_size - entry.d_un.d_val);
		if (!name)
			continue;
		if (entry.d_tag == DT_NEEDED) {
			error = add_needed(facts, name);
		} else {
			free(facts->soname);
			facts->soname = name;
		}
	}
	return error;
}

static bool is_go_section(const char *name)
{
	return strcmp(name, ".go.buildinfo") == 0 ||
	       strcmp(name, ".note.go.buildid") == 0;
}

static void read_sections(struct elf_facts *facts, Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) < 0)
		return;
	while ((section = elf_nextscn(elf, section))) {
		const char *name = gelf_getshdr(section, &header)
					   ? elf_strptr(elf, names, header.sh_name)
					   : NULL;

		if (!name || header.sh_type == SHT_NOBITS)
			continue;
		facts->go |= is_go_section(name);
		/* .gnu_debugdata: a small .symtab, compressed. */
		facts->symbols |= header.sh_type == SHT_SYMTAB ||
				  strcmp(name, ".gnu_debugdata") == 0;
		facts->lines |= strcmp(name, ".debug_info") == 0 ||
				strcmp(name, ".zdebug_info") == 0;
	}
}

struct build_id {
	unsigned char bytes[ID_MAX];
	size_t size; /* 0: has none */
};

static void read_build_id(struct build_id *id, Elf *elf)
{
	const void *bytes;
	ssize_t size = dwelf_elf_gnu_build_id(elf, &bytes);

	id->size = 0;
	if (size <= 0 || size > ID_MAX)
		return;
	memcpy(id->bytes, bytes, (size_t)size);
	id->size = (size_t)size;
}

/* One of another build would give wrong lines: libdwfl does not take it either. */
static bool take_debug_file(struct elf_facts *facts, const struct build_id *id,
			    const char *path)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	AUTO_ELF Elf *elf = fd < 0 ? NULL : begin_elf(fd);
	struct build_id own;

	if (!elf || elf_kind(elf) != ELF_K_ELF)
		return false;
	read_build_id(&own, elf);
	if (own.size != id->size || memcmp(own.bytes, id->bytes, id->size) != 0)
		return false;
	read_sections(facts, elf);
	return facts->lines;
}

static bool find_by_build_id(struct elf_facts *facts, const struct build_id *id)
{
	char path[sizeof(DEBUG_ROOT "/.build-id//.debug") + 2 * ID_MAX];
	size_t used;

	if (id->size < 2)
		return false;
	used = (size_t)sprintf(path, DEBUG_ROOT "/.build-id/%02x/", id->bytes[0]);
	for (size_t i = 1; i < id->size; i++)
		used += (size_t)sprintf(path + used, "%02x", id->bytes[i]);
	strcpy(path + used, ".debug");
	return take_debug_file(facts, id, path);
}

/* libdwfl's own path: beside the file, in .debug there, and below /usr/lib/debug. */
static bool find_by_link(struct elf_facts *facts, const struct build_id *id, Elf *elf,
			 const char *path)
{
	static const char *const shapes[] = {"%s/%s", "%s/.debug/%s", DEBUG_ROOT "%s/%s"};
	char directory[PATH_MAX], candidate[2 * PATH_MAX];
	GElf_Word crc;
	const char *link = dwelf_elf_gnu_debuglink(elf, &crc);
	char *slash;

	if (!link || strchr(link, '/') || !realpath(path, directory))
		return false;
	slash = strrchr(directory, '/');
	*slash = '\0';
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		if (snprintf(candidate, sizeof(candidate), shapes[i], directory, link) <
			    (int)sizeof(candidate) &&
		    take_debug_file(facts, id, candidate))
			return true;
	}
	return false;
}

static void find_debug_file(struct elf_facts *facts, Elf *elf, const char *path)
{
	struct build_id id;

	read_build_id(&id, elf);
	if (!find_by_build_id(facts, &id))
		find_by_link(facts, &id, elf, path);
}

static int read_all(struct elf_facts *facts, Elf *elf, const char *path)
{
	GElf_Ehdr header;
	GElf_Phdr segment;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		return -ENOEXEC;
	facts->class = header.e_ident[EI_CLASS];
	facts->encoding = header.e_ident[EI_DATA];
	facts->machine = header.e_machine;
	facts->type = header.e_type;
	if (find_segment(elf, PT_INTERP, &segment)) {
		facts->loader = string_at(elf, segment.p_offset, segment.p_filesz);
		if (!facts->loader)
			return -ENOEXEC;
	}
	read_sections(facts, elf);
	if (!facts->lines)
		find_debug_file(facts, elf, path);
	return read_dynamic(facts, elf);
}

int elf_facts_read(struct elf_facts *facts, const char *path)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	AUTO_ELF Elf *elf = NULL;
	int error;

	*facts = (struct elf_facts){0};
	if (fd < 0)
		return -errno;
	elf = begin_elf(fd);
	error = elf ? read_all(facts, elf, path) : -ENOEXEC;
	if (error < 0)
		elf_facts_free(facts);
	return error;
}

void elf_facts_free(struct elf_facts *facts)
{
	for (size_t i = 0; i < facts->needed_count; i++)
		free(facts->needed[i]);
	free(facts->needed);
	free(facts->loader);
	free(facts->soname);
	*facts = (struct elf_facts){0};
}

const char *elf_facts_needs(const struct elf_facts *facts, const char *prefix)
{
	for (size_t i = 0; i < facts->needed_count; i++)
		if (strncmp(facts->needed[i], prefix, strlen(prefix)) == 0)
			return facts->needed[i];
	return NULL;
}

const char *elf_facts_machine(const struct elf_facts *facts)
{
	static const struct {
		int machine;
		const char *name;
	} names[] = {
		{EM_X86_64, "x86-64"}, {EM_AARCH64, "aarch64"}, {EM_386, "i386"},
		{EM_ARM, "arm"},       {EM_RISCV, "riscv"},     {EM_PPC64, "ppc64"},
		{EM_PPC, "ppc"},       {EM_S390, "s390"},       {EM_MIPS, "mips"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].machine == facts->machine)
			return names[i].name;
	return NULL;
}
