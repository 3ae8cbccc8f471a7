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

int stack_name(const struct naming *naming, const struct cw_frame *frame,
	       struct symbol *out, int max)
{
	const struct cw_module *module = trace_module(naming->view, frame->module);
	const struct symbolizer *symbolizer = naming->symbolizer;
	uint64_t pc;

	if (!module || !symbolizer || !symbolizer->name)
		return 0;
	/* A return address may be the next line's, or the next function's. */
	pc = module->base + frame->offset - (frame->flags & CW_FRAME_EXACT ? 0 : 1);
	return symbolizer->name(symbolizer->context, naming->view, module, pc, out, max);
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
