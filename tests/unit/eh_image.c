/* SPDX-License-Identifier: MIT */
/* Reads the segment of an ELF file that holds its call frame information. */
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eh_image.h"

static const char *read_at(FILE *file, long at, void *to, size_t size)
{
	return fseek(file, at, SEEK_SET) == 0 && fread(to, 1, size, file) == size
		       ? NULL
		       : "cannot be read";
}

static const ElfW(Phdr) * segment_of(const ElfW(Phdr) * ph, unsigned n, ElfW(Addr) at)
{
	for (unsigned i = 0; i < n; i++) {
		if (ph[i].p_type == PT_LOAD && at >= ph[i].p_vaddr &&
		    at < ph[i].p_vaddr + ph[i].p_filesz)
			return &ph[i];
	}
	return NULL;
}

static const char *take_segment(struct eh_image *image, FILE *file,
				const ElfW(Phdr) * load, ElfW(Addr) hdr)
{
	struct module *m = &image->module;
	const char *error;

	image->size = load->p_filesz;
	image->bytes = malloc(image->size);
	error = read_at(file, (long)load->p_offset, image->bytes, image->size);
	if (error)
		return error;
	m->base = (uintptr_t)image->bytes - load->p_vaddr;
	m->low = 0;
	m->high = UINTPTR_MAX;
	m->segments = 1;
	m->readable[0].low = (uintptr_t)image->bytes;
	m->readable[0].high = m->readable[0].low + image->size;
	m->readable[0].executable = true;
	m->eh_frame_hdr = m->base + hdr;
	m->table = m->eh_frame_hdr + 12;
	memcpy(&m->table_count, (void *)(m->eh_frame_hdr + 8), sizeof m->table_count);
	/* Version 1, sdata4 pcrel, udata4, sdata4 datarel: as modules.c wants it. */
	return memcmp((void *)m->eh_frame_hdr, "\x01\x1b\x03\x3b", 4) == 0
		       ? NULL
		       : "has no search table";
}

static const char *load(struct eh_image *image, FILE *file)
{
	const ElfW(Phdr) * segment;
	ElfW(Phdr) ph[64];
	ElfW(Ehdr) eh;
	const char *error = read_at(file, 0, &eh, sizeof eh);

	if (error || memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 || eh.e_phnum > 64)
		return "is no ELF file";
	error = read_at(file, (long)eh.e_phoff, ph, eh.e_phnum * sizeof *ph);
	for (unsigned i = 0; !error && i < eh.e_phnum; i++) {
		if (ph[i].p_type != PT_GNU_EH_FRAME)
			continue;
		segment = segment_of(ph, eh.e_phnum, ph[i].p_vaddr);
		return segment ? take_segment(image, file, segment, ph[i].p_vaddr)
			       : "is broken";
	}
	return error ? error : "has no call frame information";
}

const char *eh_image_load(struct eh_image *image, const char *path)
{
	FILE *file = fopen(path, "rb");
	const char *error;

	memset(image, 0, sizeof *image);
	if (!file)
		return "cannot be opened";
	error = load(image, file);
	fclose(file);
	return error;
}

void eh_image_free(struct eh_image *image)
{
	free(image->bytes);
}

uintptr_t eh_image_function(const struct eh_image *image, uint32_t i)
{
	int32_t start;

	memcpy(&start, (void *)(image->module.table + i * 8ul), sizeof start);
	return image->module.eh_frame_hdr + (uintptr_t)(intptr_t)start;
}
