/* SPDX-License-Identifier: MIT */
/* Which frames of a stack a reader wants to see. */
#include <string.h>

#include "stack_names.h"

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

static bool begins_with_one_of(const char *name, const char *const *beginnings)
{
	for (; *beginnings; beginnings++)
		if (strncmp(name, *beginnings, strlen(*beginnings)) == 0)
			return true;
	return false;
}

static bool is_libc(const char *module)
{
	static const char *const names[] = {"libc.so.", "libc-2.", "libpthread", NULL};

	return begins_with_one_of(module, names);
}

/* What stands between the program and the kernel: the way through it blames nobody. */
static bool is_between(const char *module)
{
	static const char *const names[] = {"libclosewait.so", "ld-linux", "ld-2.", NULL};

	return is_libc(module) || begins_with_one_of(module, names);
}

static const char *function_of(const struct naming *naming, const struct cw_frame *frame,
			       struct symbol *symbol)
{
	if (stack_name(naming, frame, symbol, 1) <= 0)
		return NULL;
	return symbol->raw ? symbol->raw : symbol->function;
}

/* libc's own start-up functions are not in its dynamic symbol table. */
static bool is_nameless_libc(const struct naming *naming, const struct cw_frame *frame)
{
	char module[STACK_MODULE_BYTES];
	struct symbol symbol;

	stack_module(naming->view, frame, module);
	return is_libc(module) && !function_of(naming, frame, &symbol);
}

/* _start itself may have no name, what it calls has: look behind the outermost. */
static uint32_t wanted_end(const struct naming *naming, const struct cw_site *site,
			   uint32_t count)
{
	uint32_t end = count;
	struct symbol symbol;

	for (uint32_t i = count; i-- > 1 && count - i <= START_FRAMES;) {
		const char *function = function_of(naming, &site->frames[i], &symbol);

		if (function && is_start_function(function))
			end = i;
	}
	while (end > 1 && is_nameless_libc(naming, &site->frames[end - 1]))
		end--;
	return end;
}

struct stack_frames stack_frames_wanted(const struct naming *naming, cw_ref ref)
{
	struct stack_frames wanted = {0};
	uint32_t first = 0;

	wanted.site = trace_site(naming->view, ref, &wanted.count);
	if (!wanted.site || !wanted.count)
		return (struct stack_frames){0};
	wanted.end = wanted.count;
	if (naming->all)
		return wanted;
	wanted.end = wanted_end(naming, wanted.site, wanted.count);
	for (; first < wanted.end; first++) {
		char module[STACK_MODULE_BYTES];

		stack_module(naming->view, &wanted.site->frames[first], module);
		if (!is_between(module))
			break;
	}
	/* If there is nothing else, the stack stays as it is. */
	if (first < wanted.end)
		wanted.first = first;
	return wanted;
}
