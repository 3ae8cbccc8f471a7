/* SPDX-License-Identifier: MIT */
/* Reads the stack that is unwound. */
#include <errno.h>

#include "modules.h"
#include "stack_memory.h"
#include "sys.h"

/* As in known_stacks.c; a cursor that left this far behind has lost its way. */
#define STACK_SPAN (256ul << 20)
#define PAGE       4096ul

void stack_memory_begin(struct stack_memory *s, uintptr_t low, struct known_log *log)
{
	s->low = low;
	s->log = log;
	s->pages = 0;
	s->last_page = 0;
}

/* Can this page be read? The kernel is asked with a call that fails either way: it copies
 * a signal set from the address before it looks at the nonsensical `how`. */
__attribute__((noinline)) static bool page_readable(struct stack_memory *s,
						    uintptr_t address)
{
	uintptr_t page = address & ~(PAGE - 1);

	if (page == s->last_page)
		return true;
	for (unsigned i = 0; i < s->pages; i++) {
		if (s->page[i] == page) {
			s->last_page = page;
			return true;
		}
	}
	if (sys_call(SYS_rt_sigprocmask, -1, page, NULL, 8) == -EFAULT)
		return false;
	if (s->pages < STACK_PAGES_KNOWN)
		s->page[s->pages++] = page;
	s->last_page = page;
	return true;
}

static bool word_readable(struct stack_memory *s, uintptr_t address)
{
	return page_readable(s, address) &&
	       page_readable(s, address + sizeof(uintptr_t) - 1);
}

static bool on_stack(const struct stack_memory *s, uintptr_t address)
{
	return address >= s->low && address - s->low < STACK_SPAN;
}

/* An address that expressions have led to may be any: what is read there is our business alone. */
__attribute__((no_sanitize("address"))) static uintptr_t word_at(uintptr_t address)
{
	uintptr_t value;

	__builtin_memcpy(&value, (const void *)address, sizeof value);
	return value;
}

bool stack_memory_word(struct stack_memory *s, uintptr_t address, uintptr_t *value)
{
	/* Modules first: libraries are mapped just above the threads' stacks. */
	enum module_memory module = modules_memory(address);

	if ((!module && !on_stack(s, address)) || !word_readable(s, address)) {
		/* Beside the stack it may be there the next time. */
		if (on_stack(s, address))
			known_log_other(s->log);
		return false;
	}
	*value = word_at(address);
	if (module == MODULE_VARIABLE)
		known_log_other(s->log); /* a stack in a variable lies at no distance */
	else if (!module)
		known_log_word(s->log, address, *value);
	return true;
}

bool stack_memory_mapped(struct stack_memory *s, uintptr_t address)
{
	if (page_readable(s, address))
		return true;
	known_log_other(s->log); /* it may be the next time */
	return false;
}
