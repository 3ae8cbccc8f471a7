/* SPDX-License-Identifier: MIT */
/* Modules and functions of frames. */
#include <limits.h>
#include <string.h>

#include "stack_names.h"

const struct cw_module *stack_frame_module(const struct trace_view *view,
					   const struct cw_frame *frame)
{
	return frame->flags & CW_FRAME_PYTHON ? NULL : trace_module(view, frame->module);
}

void stack_module(const struct trace_view *view, const struct cw_frame *frame,
		  char name[STACK_MODULE_BYTES])
{
	const struct cw_module *module = stack_frame_module(view, frame);
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

/* "" is no name: the reference is wrong. */
static const char *string_of(const struct trace_view *view, cw_ref ref)
{
	const char *string = trace_string(view, ref);

	return *string ? string : NULL;
}

static int python_name(const struct trace_view *view, const struct cw_frame *frame,
		       struct symbol *out, int max)
{
	const struct cw_code *code = trace_code(view, frame->module);

	if (!code || max < 1)
		return 0;
	*out = (struct symbol){
		.function = string_of(view, code->function),
		.file = string_of(view, code->file),
		.line = frame->offset <= INT_MAX ? (int)frame->offset : 0,
		.directory = string_of(view, code->directory),
	};
	return 1;
}

const char *stack_path(const struct symbol *symbol, char room[STACK_PATH_BYTES])
{
	size_t directory, file;

	if (!symbol->file || !symbol->directory || symbol->file[0] == '/' ||
	    symbol->file[0] == '<')
		return symbol->file;
	directory = strlen(symbol->directory);
	file = strlen(symbol->file);
	if (directory + 1 + file >= STACK_PATH_BYTES)
		return symbol->file;
	memcpy(room, symbol->directory, directory);
	room[directory] = '/';
	memcpy(room + directory + 1, symbol->file, file + 1);
	return room;
}

int stack_name(const struct naming *naming, const struct cw_frame *frame,
	       struct symbol *out, int max)
{
	const struct cw_module *module = stack_frame_module(naming->view, frame);
	const struct symbolizer *symbolizer = naming->symbolizer;
	uint64_t pc;
	int count;

	if (frame->flags & CW_FRAME_PYTHON)
		return python_name(naming->view, frame, out, max);
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

		if (site->frames[i].flags & CW_FRAME_PYTHON)
			return true;
		stack_module(view, &site->frames[i], module);
		if (strstr(module, "python"))
			return true;
	}
	return false;
}

void stack_end_thread(const struct trace_view *view, const struct cw_process *process,
		      char name[STACK_THREAD_BYTES])
{
	uint32_t count;
	const struct cw_site *site = trace_site(view, process->end_site, &count);

	static_assert(sizeof(process->end_thread) == STACK_THREAD_BYTES, "a copy");
	memcpy(name, process->end_thread, STACK_THREAD_BYTES);
	name[STACK_THREAD_BYTES - 1] = '\0';
	if (site && count && site->frames[0].flags & CW_FRAME_PYTHON &&
	    process->end_tid == process->pid)
		memcpy(name, "MainThread", sizeof("MainThread"));
}
