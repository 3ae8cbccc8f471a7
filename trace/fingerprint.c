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

static uint64_t add_frame(const struct naming *naming, uint64_t hash,
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

static uint64_t add_stack(const struct naming *naming, uint64_t hash, cw_ref ref)
{
	struct stack_frames wanted = stack_frames_wanted(naming, ref);

	for (uint32_t i = wanted.first; i < wanted.end; i++)
		hash = add_frame(naming, hash, &wanted.site->frames[i]);
	return hash_bytes(hash, "--", 2);
}

uint32_t stack_fingerprint(const struct naming *naming, const struct cw_socket *socket)
{
	struct naming few = *naming;
	uint64_t hash = hash_word(HASH_SEED, socket->origin);

	/* The same whatever is shown. */
	few.all = false;
	hash = add_stack(&few, hash, socket->open_site);
	hash = add_stack(&few, hash, socket->eof_site);
	return (uint32_t)(hash ^ hash >> 32);
}
