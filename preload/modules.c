/* SPDX-License-Identifier: MIT */
/* The module table. */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#include "extents.h"
#include "modules.h"
#include "proc.h"
#include "site_index.h"
#include "sites_internal.h"

#define MODULES_MAX 1024

static struct module modules[MODULES_MAX];
static unsigned count;
static uint32_t added;
static bool replaced;
static const struct module *last;
static _Atomic uint32_t unloads;
static uint32_t unloads_seen;

#ifdef HAVE_DL_FIND_OBJECT
static int (*find_object)(void *pc, struct dl_find_object *result);
#endif

extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

bool modules_own(uintptr_t pc)
{
	return pc - (uintptr_t)__ehdr_start < (uintptr_t)(_end - __ehdr_start);
}

static void take_eh_frame(struct module *m, uintptr_t hdr)
{
	const uint8_t *h = (const uint8_t *)hdr;

	/* Version 1, a pointer of sdata4 pcrel, a count of udata4, a sorted table of
	 * sdata4 datarel: the only form that linkers make (LSB, .eh_frame_hdr). */
	if (h[0] != 1 || h[1] != 0x1b || h[2] != 0x03 || h[3] != 0x3b)
		return;
	m->eh_frame_hdr = hdr;
	memcpy(&m->table_count, h + 8, sizeof m->table_count);
	m->table = hdr + 12;
}

static void take_notes(struct module *m, uintptr_t at, size_t size)
{
	while (size >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)at;
		size_t name = (note->n_namesz + 3u) & ~3u;
		size_t whole = sizeof *note + name + ((note->n_descsz + 3u) & ~3u);

		if (whole > size)
			return;
		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
		    memcmp(note + 1, "GNU", 4) == 0 &&
		    note->n_descsz <= sizeof m->build_id) {
			m->build_id_size = (uint8_t)note->n_descsz;
			memcpy(m->build_id, (const char *)(note + 1) + name,
			       note->n_descsz);
			return;
		}
		at += whole;
		size -= whole;
	}
}

/* Takes what is needed from the program headers, all of it in memory. */
static void take_headers(struct module *m, const ElfW(Phdr) * ph, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uintptr_t low = m->base + ph[i].p_vaddr;

		if (ph[i].p_type == PT_LOAD && ph[i].p_flags & PF_R &&
		    m->segments < MODULE_SEGMENTS) {
			m->readable[m->segments].low = low;
			m->readable[m->segments].writable = ph[i].p_flags & PF_W;
			m->readable[m->segments].executable = ph[i].p_flags & PF_X;
			m->readable[m->segments++].high = low + ph[i].p_memsz;
		}
	}
	for (unsigned i = 0; i < n; i++) {
		uintptr_t at = m->base + ph[i].p_vaddr;

		if (!module_holds(m, at, ph[i].p_memsz))
			continue;
		if (ph[i].p_type == PT_GNU_EH_FRAME && ph[i].p_memsz >= 12)
			take_eh_frame(m, at);
		if (ph[i].p_type == PT_DYNAMIC)
			m->dynamic = at;
		if (ph[i].p_type == PT_NOTE && !m->build_id_size)
			take_notes(m, at, ph[i].p_memsz);
	}
}

static const struct module *add(const struct module *fresh)
{
	if (count == MODULES_MAX)
		return NULL;
	for (unsigned i = 0; i < count; i++) {
		if (modules[i].low < fresh->high && fresh->low < modules[i].high) {
			modules[i].low = modules[i].high = 0; /* unloaded since */
			modules[i].segments = 0;
			replaced = true;
		}
	}
	modules[count] = *fresh;
	added++;
	return &modules[count++];
}

/* From the first byte of its lowest segment to the last of its highest. */
static void take_extent(struct module *m, const ElfW(Phdr) * ph, unsigned n)
{
	m->low = UINTPTR_MAX;
	m->high = 0;
	for (unsigned i = 0; i < n; i++) {
		uintptr_t low = m->base + ph[i].p_vaddr;

		if (ph[i].p_type != PT_LOAD)
			continue;
		m->low = low < m->low ? low : m->low;
		m->high = low + ph[i].p_memsz > m->high ? low + ph[i].p_memsz : m->high;
	}
}

static int take_loaded(struct dl_phdr_info *info, size_t size, void *data)
{
	struct module m = {.base = info->dlpi_addr, .name = info->dlpi_name};

	(void)size;
	(void)data;
	take_extent(&m, info->dlpi_phdr, info->dlpi_phnum);
	take_headers(&m, info->dlpi_phdr, info->dlpi_phnum);
	add(&m);
	return 0;
}

void modules_init(void)
{
#ifdef HAVE_DL_FIND_OBJECT
	*(void **)&find_object = dlsym(RTLD_DEFAULT, "_dl_find_object");
	if (find_object)
		return;
#endif
	dl_iterate_phdr(take_loaded, NULL);
}

static const struct module *in_table(uintptr_t pc)
{
	if (last && pc >= last->low && pc < last->high)
		return last;
	for (unsigned i = 0; i < count; i++) {
		if (pc >= modules[i].low && pc < modules[i].high)
			return last = &modules[i];
	}
	return NULL;
}

#ifdef HAVE_DL_FIND_OBJECT
/* The program headers of a library, behind the ELF header that its first segment begins with;
 * of the program itself, which may be mapped in pieces, the kernel tells. */
static const ElfW(Phdr) * headers_of(const struct dl_find_object *found, unsigned *n)
{
	const ElfW(Ehdr) *ehdr = found->dlfo_map_start;

	if (!*found->dlfo_link_map->l_name) {
		*n = (unsigned)getauxval(AT_PHNUM);
		return (const ElfW(Phdr) *)getauxval(AT_PHDR);
	}
	*n = ehdr->e_phnum;
	if (memcmp(ehdr->e_ident, ELFMAG, SELFMAG) != 0 ||
	    ehdr->e_phentsize != sizeof(ElfW(Phdr)) ||
	    ehdr->e_phoff + *n * sizeof(ElfW(Phdr)) > 4096)
		return NULL;
	return (const ElfW(Phdr) *)((const char *)ehdr + ehdr->e_phoff);
}

static const struct module *take_found(const struct dl_find_object *found)
{
	struct module m = {
		.base = found->dlfo_link_map->l_addr,
		.name = found->dlfo_link_map->l_name,
	};
	unsigned n;
	const ElfW(Phdr) *headers = headers_of(found, &n);

	if (headers) {
		take_extent(&m, headers, n);
		take_headers(&m, headers, n);
	} else {
		m.low = (uintptr_t)found->dlfo_map_start;
		m.high = (uintptr_t)found->dlfo_map_end;
	}
	return add(&m);
}

/* The loader gives the bounds of the segment where it maps in pieces, else of the whole. */
static bool still_the_same(const struct module *m, const struct dl_find_object *found)
{
	return m->name == found->dlfo_link_map->l_name &&
	       m->base == found->dlfo_link_map->l_addr &&
	       m->low <= (uintptr_t)found->dlfo_map_start &&
	       (uintptr_t)found->dlfo_map_end <= ((m->high + 4095) & ~4095ul);
}
#endif

void modules_unloaded(void)
{
	atomic_fetch_add(&unloads, 1);
}

uint32_t modules_unloads(void)
{
	return atomic_load_explicit(&unloads, memory_order_relaxed);
}

const struct module *modules_find(uintptr_t pc)
{
	const struct module *m;
#ifdef HAVE_DL_FIND_OBJECT
	struct dl_find_object found;

	/* The next library's name may even stand in the memory that the last one's did. */
	if (find_object && unloads_seen != modules_unloads()) {
		unloads_seen = modules_unloads();
		modules_forget();
	}
#endif
	m = in_table(pc);
#ifdef HAVE_DL_FIND_OBJECT
	if (!find_object)
		return m;
	if (find_object((void *)pc, &found) != 0)
		return NULL;
	if (m && still_the_same(m, &found))
		return m;
	return last = take_found(&found);
#else
	return m;
#endif
}

enum module_memory modules_memory(uintptr_t at)
{
	const struct module *m = in_table(at);

	return m ? module_memory(m, at, sizeof(uintptr_t)) : MODULE_NONE;
}

bool modules_changed(void)
{
	bool was = replaced;

	replaced = false;
	return was;
}

static cw_ref write_module(struct books *b, struct module *m)
{
	char exe[256];
	const char *path = m->name ? m->name : "";
	struct cw_module record = {
		.base = m->base,
		.low = m->low,
		.high = m->high,
		.build_id_size = m->build_id_size,
	};

	if (!*path) {
		proc_executable(exe, sizeof exe);
		path = exe;
	}
	record.path = sites_string_locked(b, path);
	memcpy(record.build_id, m->build_id, sizeof m->build_id);
	return sites_record_locked(b, &record, sizeof record);
}

struct cw_frame modules_frame(struct books *b, uintptr_t pc, bool exact)
{
	/* A return address may be the first byte after its function. */
	struct module *m = (struct module *)modules_find(exact ? pc : pc - 1);
	struct cw_frame frame = {.offset = pc, .flags = exact ? CW_FRAME_EXACT : 0};

	if (m && !m->ref)
		m->ref = write_module(b, m);
	if (m && m->ref) {
		frame.offset = pc - m->base;
		frame.module = m->ref;
	}
	return frame;
}

uint32_t modules_added(void)
{
	return added;
}

void modules_forget(void)
{
	count = 0;
	last = NULL;
	replaced = true;
}
