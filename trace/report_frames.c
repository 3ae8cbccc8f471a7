/* SPDX-License-Identifier: MIT */
/* Which frames of a stack a reader wants to see. */
#include <string.h>

#include "report_parts.h"

#define START_FRAMES 4u /* at most so many lie between main and the stack's end */

static bool is_start_function(const char *name)
{
	static const char *const starts[] = {"_start", "start_thread", "clone",
					     "clone3", "__clone",      "__clone3"};

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
		if (strcmp(name, starts[i]) == 0)
			return true;
	return strncmp(name, "__libc_start_", 13) == 0;
}

/* libc's own start-up functions are not in its dynamic symbol table. */
static bool is_nameless_libc(const struct report *report, const struct cw_frame *frame,
			     const char *function)
{
	char module[REPORT_MODULE_BYTES];

	report_module(report, frame, module);
	return !function && (strncmp(module, "libc.so", 7) == 0 ||
			     strncmp(module, "libc-2.", 7) == 0 ||
			     strncmp(module, "libpthread", 10) == 0);
}

static const char *function_of(const struct report *report, const struct cw_frame *frame,
			       struct symbol *symbol)
{
	return report_name(report, frame, symbol, 1) > 0 ? symbol->function : NULL;
}

/* _start itself may have no name, what it calls has: look behind the outermost. */
uint32_t report_frames_wanted(const struct report *report, const struct cw_site *site,
			      uint32_t count)
{
	uint32_t wanted = count;
	struct symbol symbol;

	if (report->options->all)
		return count;
	for (uint32_t i = count; i-- > 1 && count - i <= START_FRAMES;) {
		const char *function = function_of(report, &site->frames[i], &symbol);

		if (function && is_start_function(function))
			wanted = i;
	}
	while (wanted > 1 &&
	       is_nameless_libc(report, &site->frames[wanted - 1],
				function_of(report, &site->frames[wanted - 1], &symbol)))
		wanted--;
	return wanted;
}
