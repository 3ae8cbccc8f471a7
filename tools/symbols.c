/* SPDX-License-Identifier: MIT */
/* Symbols by libdwfl: one Dwfl a module, so that modules of different processes that lie
 * at the same address do not disturb one another. */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "cleanup.h"
#include "complain.h"
#include "symbols.h"

struct module {
	const struct cw_module *key;
	Dwfl *dwfl;
	Dwfl_Module *dwfl_module; /* NULL: gives no names */
	struct module *next;
};

struct symbols {
	const char *root;
	struct module *modules;
};

/* Where a frame stands, on the way from the innermost inlined function outwards. */
struct place {
	const char *file;
	int line;
};

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
};

static bool same_build(Dwfl_Module *module, const struct cw_module *recorded)
{
	const unsigned char *id;
	GElf_Addr address;
	int size = dwfl_module_build_id(module, &id, &address);

	if (!recorded->build_id_size ||
	    recorded->build_id_size > sizeof(recorded->build_id))
		return true;
	return size == recorded->build_id_size &&
	       memcmp(id, recorded->build_id, (size_t)size) == 0;
}

/* build_id works only once the module's file is known to the Dwfl. */
static void load(struct module *module, const char *path)
{
	GElf_Addr bias;

	module->dwfl = dwfl_begin(&callbacks);
	if (!module->dwfl)
		return;
	dwfl_report_begin(module->dwfl);
	module->dwfl_module =
		dwfl_report_elf(module->dwfl, path, path, -1, module->key->base, true);
	dwfl_report_end(module->dwfl, NULL, NULL);
	if (!module->dwfl_module || !dwfl_module_getelf(module->dwfl_module, &bias)) {
		complain(path, "cannot be read: no names from it");
		module->dwfl_module = NULL;
	} else if (!same_build(module->dwfl_module, module->key)) {
		complain(path, "has changed since: no names from it");
		module->dwfl_module = NULL;
	}
}

static struct module *find(struct symbols *symbols, const struct trace_view *view,
			   const struct cw_module *key)
{
	const char *path = trace_string(view, key->path);
	char below[PATH_MAX];
	struct module *module;

	for (module = symbols->modules; module; module = module->next)
		if (module->key == key)
			return module;
	module = calloc(1, sizeof(*module));
	if (!module)
		return NULL;
	module->key = key;
	module->next = symbols->modules;
	symbols->modules = module;
	/* "[vdso]" and the like are no files. */
	if (*path != '/')
		return module;
	snprintf(below, sizeof(below), "%s%s", symbols->root, path);
	load(module, access(below, R_OK) == 0 ? below : path);
	return module;
}

static struct place place_of(Dwfl_Module *module, uint64_t pc)
{
	struct place place = {0};
	Dwfl_Line *line = dwfl_module_getsrc(module, pc);

	if (line)
		place.file = dwfl_lineinfo(line, NULL, &place.line, NULL, NULL, NULL);
	return place;
}

/* Where the function that `die` inlines was called. */
static struct place call_site(Dwarf_Die *cu, Dwarf_Die *die)
{
	struct place place = {0};
	Dwarf_Attribute attribute;
	Dwarf_Word value;
	Dwarf_Files *files;
	size_t count;

	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &value) == 0)
		place.line = (int)value;
	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &value) == 0 &&
	    dwarf_getsrcfiles(cu, &files, &count) == 0 && value < count)
		place.file = dwarf_filesrc(files, value, NULL, NULL);
	return place;
}

/* The inlined functions at `pc`, innermost first, and in *place where the outermost of
 * them was called. Leaves room for the function that holds them. */
static int inlined(Dwfl_Module *module, uint64_t pc, struct place *place,
		   struct symbol *out, int max)
{
	Dwarf_Addr bias;
	Dwarf_Die *cu = dwfl_module_addrdie(module, pc, &bias);
	AUTO_FREE Dwarf_Die *innermost = NULL;
	AUTO_FREE Dwarf_Die *scopes = NULL;
	int count, found = 0;

	if (!cu || dwarf_getscopes(cu, pc - bias, &innermost) <= 0)
		return 0;
	/* The scopes of an inlined function as dwarf_getscopes() tells them are those of
	 * its definition; these are those of its place. */
	count = dwarf_getscopes_die(&innermost[0], &scopes);
	for (int i = 0; i < count && dwarf_tag(&scopes[i]) != DW_TAG_subprogram; i++) {
		if (dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine)
			continue;
		if (found < max - 1)
			out[found++] = (struct symbol){
				.function = dwarf_diename(&scopes[i]),
				.file = place->file,
				.line = place->line,
			};
		*place = call_site(cu, &scopes[i]);
	}
	return found;
}

static int name(void *context, const struct trace_view *view, const struct cw_module *key,
		uint64_t pc, struct symbol *out, int max)
{
	struct module *module = find(context, view, key);
	struct place place;
	GElf_Off offset = 0;
	GElf_Sym symbol;
	const char *function;
	int count;

	if (!module || !module->dwfl_module || max < 1)
		return 0;
	function = dwfl_module_addrinfo(module->dwfl_module, pc, &offset, &symbol, NULL,
					NULL, NULL);
	place = place_of(module->dwfl_module, pc);
	count = inlined(module->dwfl_module, pc, &place, out, max);
	out[count++] = (struct symbol){
		.function = function,
		.offset = function ? offset : pc - key->base,
		.file = place.file,
		.line = place.line,
	};
	for (int i = 0; i + 1 < count; i++)
		out[i].inlined_into = out[i + 1].function;
	return function || count > 1 ? count : 0;
}

struct symbols *symbols_open(const char *root)
{
	struct symbols *symbols = calloc(1, sizeof(*symbols));

	if (symbols)
		symbols->root = root;
	return symbols;
}

void symbols_close(struct symbols *symbols)
{
	while (symbols && symbols->modules) {
		struct module *module = symbols->modules;

		symbols->modules = module->next;
		if (module->dwfl)
			dwfl_end(module->dwfl);
		free(module);
	}
	free(symbols);
}

struct symbolizer symbols_symbolizer(struct symbols *symbols)
{
	return (struct symbolizer){.name = name, .context = symbols};
}
