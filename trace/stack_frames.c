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

/* Python's frames come first. */
static uint32_t python_count(const struct cw_site *site, uint32_t count)
{
	uint32_t python = 0;

	while (python < count && site->frames[python].flags & CW_FRAME_PYTHON)
		python++;
	return python;
}

/* What the connection is for comes before them, and is no frame. */
static uint32_t handler_count(const struct cw_site *site, uint32_t python)
{
	return python && site->frames[0].flags & CW_FRAME_HANDLER ? 1 : 0;
}

/* lib/python3.11/socket.py: its methods wrap those of the C module as libc's wrap the kernel's. */
static bool is_wrapper_file(const char *file, size_t size)
{
	static const char *const names[] = {"/socket.py", "/ssl.py", NULL};
	const char *slash = file ? memrchr(file, '/', size) : NULL;
	const char *parent;

	if (!slash || !begins_with_one_of(slash, names))
		return false;
	parent = memrchr(file, '/', (size_t)(slash - file));
	return parent && strncmp(parent, "/python", 7) == 0;
}

static bool is_wrapper(const struct trace_view *view, const struct cw_frame *frame)
{
	const struct cw_code *code = trace_code(view, frame->module);
	size_t size = 0;
	const char *file = code ? trace_bytes(view, code->file, &size) : NULL;

	return is_wrapper_file(file, size);
}

/* The first of them behind the wrappers, from `begin` on. If there is nothing else, they stay. */
static uint32_t python_first(const struct trace_view *view, const struct cw_site *site,
			     uint32_t begin, uint32_t python)
{
	uint32_t first = begin;

	while (first < python && is_wrapper(view, &site->frames[first]))
		first++;
	return first < python ? first : begin;
}

/* _start itself may have no name, what it calls has: look behind the outermost. */
static uint32_t wanted_end(const struct naming *naming, const struct cw_site *site,
			   uint32_t begin, uint32_t count)
{
	uint32_t end = count;
	struct symbol symbol;

	for (uint32_t i = count; i-- > begin + 1 && count - i <= START_FRAMES;) {
		const char *function = function_of(naming, &site->frames[i], &symbol);

		if (function && is_start_function(function))
			end = i;
	}
	while (end > begin + 1 && is_nameless_libc(naming, &site->frames[end - 1]))
		end--;
	return end;
}

static bool is_between_frame(const struct naming *naming, const struct cw_frame *frame)
{
	char module[STACK_MODULE_BYTES];

	stack_module(naming->view, frame, module);
	return is_between(module);
}

static void want(struct stack_frames *wanted, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++)
		wanted->at[wanted->count++] = (uint8_t)i;
}

static void want_native(const struct naming *naming, struct stack_frames *wanted,
			uint32_t begin, uint32_t count)
{
	const struct cw_site *site = wanted->site;
	uint32_t end = wanted_end(naming, site, begin, count);
	uint32_t first = begin;

	while (first < end && is_between_frame(naming, &site->frames[first]))
		first++;
	/* If there is nothing else, the stack stays as it is. */
	want(wanted, first < end ? first : begin, end);
}

static bool is_eval_loop(const struct naming *naming, const struct cw_frame *frame)
{
	struct symbol symbol;
	const char *function = function_of(naming, frame, &symbol);

	return function && (strncmp(function, "_PyEval_EvalFrameDefault", 24) == 0 ||
			    strcmp(function, "PyEval_EvalFrameEx") == 0);
}

/* The interpreter itself and its standard library's modules: what the Python frames tell is told
 * better by them. */
static bool is_interpreter(const struct trace_view *view, const struct cw_frame *frame)
{
	const struct cw_module *module = stack_frame_module(view, frame);
	char name[STACK_MODULE_BYTES];
	size_t size = 0;
	const char *path = module ? trace_bytes(view, module->path, &size) : NULL;

	stack_module(view, frame, name);
	return strncmp(name, "python", 6) == 0 || strncmp(name, "libpython", 9) == 0 ||
	       (path && memmem(path, size, "/lib-dynload/", 13));
}

/* What the innermost Python function called, down to the socket call. */
static void want_leaf(const struct naming *naming, struct stack_frames *wanted,
		      uint32_t begin, uint32_t count)
{
	const struct cw_site *site = wanted->site;
	uint32_t end = begin;

	while (end < count && !is_eval_loop(naming, &site->frames[end]))
		end++;
	if (end == count)
		return;
	for (uint32_t i = begin; i < end; i++)
		if (!is_between_frame(naming, &site->frames[i]) &&
		    !is_interpreter(naming->view, &site->frames[i]))
			want(wanted, i, i + 1);
}

static uint32_t entry_count(const struct cw_site *site, uint32_t python)
{
	uint32_t entries = 0;

	for (uint32_t i = 0; i < python; i++)
		entries += (site->frames[i].flags & CW_FRAME_ENTRY) != 0;
	return entries;
}

static uint32_t loop_count(const struct naming *naming, const struct cw_site *site,
			   uint32_t begin, uint32_t count)
{
	uint32_t loops = 0;

	for (uint32_t i = begin; i < count; i++)
		loops += is_eval_loop(naming, &site->frames[i]);
	return loops;
}

/* The Python frames that one evaluation loop runs: up to one that C called it for. Those before
 * `shown` are passed over. Returns where the next loop's begin. */
static uint32_t want_loop(struct stack_frames *wanted, uint32_t next, uint32_t shown,
			  uint32_t python)
{
	uint32_t begin = next;
	bool entry = false;

	/* A living process's trace may change under us. */
	while (next < python && !entry)
		entry = wanted->site->frames[next++].flags & CW_FRAME_ENTRY;
	want(wanted, begin > shown ? begin : shown, next);
	return next;
}

/* In the order in which they called each other: in the place of each evaluation loop stand the Python
 * frames that it runs. False, and nothing is wanted: it is not certain which these are. */
static bool want_in_order(const struct naming *naming, struct stack_frames *wanted,
			  uint32_t python, uint32_t count)
{
	const struct cw_site *site = wanted->site;
	uint32_t next = handler_count(site, python);
	uint32_t shown =
		naming->all ? next : python_first(naming->view, site, next, python);
	uint32_t end = naming->all ? count : wanted_end(naming, site, python, count);
	uint32_t entries = entry_count(site, python);
	bool begun = naming->all;

	if (site->flags & CW_SITE_CUT || !entries ||
	    !(site->frames[python - 1].flags & CW_FRAME_ENTRY) ||
	    loop_count(naming, site, python, count) != entries)
		return false;
	want(wanted, 0, next);
	for (uint32_t i = python; i < end; i++) {
		begun = begun || !is_between_frame(naming, &site->frames[i]);
		if (is_eval_loop(naming, &site->frames[i]))
			next = want_loop(wanted, next, shown, python);
		else if (begun)
			want(wanted, i, i + 1);
	}
	return true;
}

struct stack_frames stack_frames_wanted(const struct naming *naming, cw_ref ref)
{
	struct stack_frames wanted;
	uint32_t count, python, handlers;

	wanted.count = 0;
	wanted.site = trace_site(naming->view, ref, &count);
	if (!wanted.site || !count) {
		wanted.site = NULL;
		return wanted;
	}
	python = python_count(wanted.site, count);
	if (python && naming->native && want_in_order(naming, &wanted, python, count))
		return wanted;
	if (naming->all) {
		want(&wanted, 0, count);
		return wanted;
	}
	handlers = handler_count(wanted.site, python);
	want(&wanted, 0, handlers);
	want(&wanted, python_first(naming->view, wanted.site, handlers, python), python);
	if (python == count)
		return wanted;
	if (!python || naming->native)
		want_native(naming, &wanted, python, count);
	else
		want_leaf(naming, &wanted, python, count);
	return wanted;
}
