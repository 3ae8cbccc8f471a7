/* SPDX-License-Identifier: MIT */
/* Looks at the names by which libdw would search, before it does. */
#include <elfutils/libdwelf.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "debug_files.h"
#include "open_regular.h"

/* Whether libdw would find something else than a file at DIRECTORY OF file/below/name. */
static bool is_trap(const char *file, const char *below, const char *name,
		    const char *suffix)
{
	const char *slash = strrchr(file, '/');
	int directory = slash ? (int)(slash - file) : 0;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%.*s/%s%s%s", directory, file, below, name,
		     suffix) >= (int)sizeof(path))
		return true;
	return is_irregular(path);
}

/* libdw tries the binary's directory, .debug in it and /usr/lib/debug, which is root's. */
int debug_files_find(Dwfl_Module *module, void **userdata, const char *name,
		     Dwarf_Addr base, const char *file, const char *link, GElf_Word crc,
		     char **found)
{
	const char *wanted = link;
	const char *suffix = link ? "" : ".debug";

	if (!file)
		return -1;
	if (!link)
		wanted = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
	if (strchr(wanted, '/') || is_trap(file, "", wanted, suffix) ||
	    is_trap(file, ".debug/", wanted, suffix))
		return -1;
	return dwfl_standard_find_debuginfo(module, userdata, name, base, file, link, crc,
					    found);
}

bool debug_files_supplement_is_file(Dwfl_Module *module)
{
	Dwarf_Addr bias;
	Dwarf *dwarf = dwfl_module_getdwarf(module, &bias);
	const char *binary = NULL, *debug = NULL;
	const char *name;
	const void *id;

	if (!dwarf || dwelf_dwarf_gnu_debugaltlink(dwarf, &name, &id) <= 0)
		return true;
	if (*name == '/')
		return !is_irregular(name);
	dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, &binary, &debug);
	return !is_trap(debug ? debug : binary ? binary : "", "", name, "");
}
