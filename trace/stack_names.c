/* SPDX-License-Identifier: MIT */
/* Modules and functions of frames. */
#include <string.h>

#include "stack_names.h"

void stack_module(const struct trace_view *view, const struct cw_frame *frame,
		  char name[STACK_MODULE_BYTES])
{
	const struct cw_module *module = trace_module(view, frame->module);
	size_t size = 0;
	const char *path = module ? trace_bytes(view, module->path, &size) : NULL;
	const char *slash = path ? memrchr(path, '/', size) : NULL;

	if (slash) {
		size -= (size_t)(slash + 1 - path);
		path = slash + 1;
	}
	if (size >= STACK_MODULE_BYTES)
		size = STACK_MODULE_BYTES - 1;
	if (path)
		memcpy(name, path, size);
	name[size] = '\0';
}

/* libc's headers wrap the calls that we hook (bits/socket2.h, bits/unistd.h of _FORTIFY_SOURCE):
 * the wrapper is not the program's code, though the compiler put it there. */
static bool is_wrapper(const struct symbol *symbol)
{
	const char *file = symbol->file;
	const char *slash = file ? strrchr(file, '/') : NULL;

	return slash && slash - file >= 5 && strncmp(slash - 5, "/bits", 5) == 0;
}

/* Without the wrappers at the inner end; the function that they are inlined into stays. */
static int without_wrappers(struct symbol *symbols, int count)
{
	int first = 0;

	while (first + 1 < count && is_wrapper(&symbols[first]))
		first++;
	if (first)
		memmove(symbols, symbols + first,
			(size_t)(count - first) * sizeof(*symbols));
	return count - first;
}

int stack_name(const struct naming *naming, const struct cw_frame *frame,
	       struct symbol *out, int max)
{
	const struct cw_module *module = trace_module(naming->view, frame->module);
	const struct symbolizer *symbolizer = naming->symbolizer;
	uint64_t pc;
	int count;

	if (!module || !symbolizer || !symbolizer->name)
		return 0;
	/* A return address may be the next line's, or the next function's. */
	pc = module->base + frame->offset - (frame->flags & CW_FRAME_EXACT ? 0 : 1);
	count = symbolizer->name(symbolizer->context, naming->view, module, pc, out, max);
	return naming->all || count > max ? count : without_wrappers(out, count);
}

bool stack_is_python(const struct trace_view *view, cw_ref ref)
{
	uint32_t count;
	const struct cw_site *site = trace_site(view, ref, &count);

	for (uint32_t i = 0; site && i < count; i++) {
		char module[STACK_MODULE_BYTES];

		stack_module(view, &site->frames[i], module);
		if (strstr(module, "python"))
			return true;
	}
	return false;
}
