/* SPDX-License-Identifier: MIT */
/* A name for a finding that survives a rebuild: of functions and modules, nothing else. */
#include <string.h>

#include "report_parts.h"
#include "text.h"

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

static uint64_t add_frame(const struct report *report, uint64_t hash,
			  const struct cw_frame *frame)
{
	struct symbol symbols[REPORT_INLINE];
	int named = report_name(report, frame, symbols, REPORT_INLINE);
	char module[REPORT_MODULE_BYTES];
	const char *function = NULL;

	report_module(report, frame, module);
	/* The function that is really there: what is inlined into it changes with the
	 * compiler, and the traced process does not know of it. */
	if (named > 0 && named <= REPORT_INLINE)
		function = linker_name(&symbols[named - 1]);
	if (function)
		hash = hash_bytes(hash, function, function_size(function));
	hash = hash_bytes(hash, "@", 1);
	hash = hash_bytes(hash, module, module_size(module));
	return hash_bytes(hash, "\n", 1);
}

static uint64_t add_stack(const struct report *report, uint64_t hash, cw_ref ref)
{
	uint32_t count;
	const struct cw_site *site = trace_site(report->view, ref, &count);
	struct report_frames wanted = {0};

	if (site)
		wanted = report_frames_wanted(report, site, count);
	for (uint32_t i = wanted.first; i < wanted.end; i++)
		hash = add_frame(report, hash, &site->frames[i]);
	return hash_bytes(hash, "--", 2);
}

uint32_t report_fingerprint(const struct report *report, const struct cw_socket *socket)
{
	uint64_t hash = hash_word(HASH_SEED, socket->origin);

	hash = add_stack(report, hash, socket->open_site);
	hash = add_stack(report, hash, socket->eof_site);
	return (uint32_t)(hash ^ hash >> 32);
}
