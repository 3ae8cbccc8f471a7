/* SPDX-License-Identifier: MIT */
/* libdwfl's search by build-id, on a module that is nothing but its build-id. */
#include <elfutils/libdwfl.h>
#include <errno.h>

#include "build_id.h"

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_build_id_find_debuginfo,
};

static int find(Dwfl_Module *module, char **path)
{
	void *userdata = NULL;
	Elf *elf = NULL;
	int fd;

	errno = 0;
	fd = dwfl_build_id_find_elf(module, &userdata, "", 1, path, &elf);
	elf_end(elf);
	if (fd >= 0)
		return fd;
	errno = 0;
	/* Without names it asks by the build-id alone. */
	return dwfl_standard_find_debuginfo(module, &userdata, "", 1, NULL, NULL, 0,
					    path);
}

int build_id_open(const uint8_t *id, size_t size, char **path)
{
	Dwfl *dwfl = dwfl_begin(&callbacks);
	Dwfl_Module *module;
	int fd = -1;

	*path = NULL;
	if (!dwfl)
		return -1;
	dwfl_report_begin(dwfl);
	/* Any range will do. */
	module = dwfl_report_module(dwfl, "", 1, 2);
	if (module && dwfl_module_report_build_id(module, id, size, 0) == 0)
		fd = find(module, path);
	dwfl_report_end(dwfl, NULL, NULL);
	dwfl_end(dwfl);
	return fd;
}
