/* SPDX-License-Identifier: MIT */
/* A name for a finding that survives a rebuild: of functions and modules, nothing else. */
#include <string.h>

#include "stack_hash.h"
#include "stack_names.h"

/* The linker's name: whether names can be demangled must not matter, and the traced process
 * does not do it. */
static const char *linker_name(const struct symbol *symbol)
{
	return symbol->raw ? symbol->raw : symbol->function;
}

/* Without what the compiler appends to a clone: read_request.part.0. */
static size_t function_size(const char *function)
{
	size_t size = strcspn(function, ".@");

	return size ? size : strlen(function);
}

/* Without its version: libc.so.6 and libc.so.7 are one. */
static size_t module_size(const char *module)
{
	const char *end = strstr(module, ".so");

	return end ? (size_t)(end - module) : strlen(module);
}

/* Function and file: lines move, and so do directories. */
static uint64_t add_python_frame(const struct naming *naming, uint64_t hash,
				 const struct cw_frame *frame)
{
	const struct cw_code *code = trace_code(naming->view, frame->module);
	size_t function_bytes = 0, file_bytes = 0;
	const char *function = NULL, *file = NULL, *slash;

	if (code) {
		function = trace_bytes(naming->view, code->function, &function_bytes);
		file = trace_bytes(naming->view, code->file, &file_bytes);
	}
	slash = file ? memrchr(file, '/', file_bytes) : NULL;
	if (slash) {
		file_bytes -= (size_t)(slash + 1 - file);
		file = slash + 1;
	}
	hash = hash_bytes(hash, function, function_bytes);
	hash = hash_bytes(hash, "@", 1);
	hash = hash_bytes(hash, file, file_bytes);
	return hash_bytes(hash, "\n", 1);
}

static uint64_t add_native_frame(const struct naming *naming, uint64_t hash,
				 const struct cw_frame *frame)
{
	struct symbol symbols[STACK_INLINE];
	int named = stack_name(naming, frame, symbols, STACK_INLINE);
	char module[STACK_MODULE_BYTES];
	const char *function = NULL;

	stack_module(naming->view, frame, module);
	/* The function that is really there: what is inlined into it changes with the
	 * compiler, and the traced process does not know of it. */
	if (named > 0 && named <= STACK_INLINE)
		function = linker_name(&symbols[named - 1]);
	if (function)
		hash = hash_bytes(hash, function, function_size(function));
	hash = hash_bytes(hash, "@", 1);
	hash = hash_bytes(hash, module, module_size(module));
	return hash_bytes(hash, "\n", 1);
}

static uint64_t add_frame(const struct naming *naming, uint64_t hash,
			  const struct cw_frame *frame)
{
	return frame->flags & CW_FRAME_PYTHON ? add_python_frame(naming, hash, frame)
					      : add_native_frame(naming, hash, frame);
}

static uint64_t add_stack(const struct naming *naming, uint64_t hash, cw_ref ref)
{
	struct stack_frames wanted = stack_frames_wanted(naming, ref);

	for (uint32_t i = 0; i < wanted.count; i++)
		hash = add_frame(naming, hash, stack_frame(&wanted, i));
	return hash_bytes(hash, "--", 2);
}

uint32_t stack_fingerprint(const struct naming *naming, const struct cw_socket *socket)
{
	struct naming few = *naming;
	uint64_t hash = hash_word(HASH_SEED, socket->origin);

	/* The same whatever is shown. */
	few.all = false;
	few.native = false;
	hash = add_stack(&few, hash, socket->open_site);
	hash = add_stack(&few, hash, socket->eof_site);
	return (uint32_t)(hash ^ hash >> 32);
}
