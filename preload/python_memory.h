/* SPDX-License-Identifier: MIT */
/*
 * Loads from the interpreter's memory.
 *
 * Until an interpreter's layout has been proved, every load is checked first: the kernel is asked
 * whether the address can be read, by a call that fails either way (as in stack_memory.c). That is
 * one that this library makes anyway: a sandbox which kills for process_vm_readv lets it pass.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys.h"

static inline bool python_word_readable(uintptr_t at)
{
	return sys_call(SYS_rt_sigprocmask, -1, at, NULL, 8) != -EFAULT;
}

/* Pages are 4 KiB or larger: two words of each prove it. */
static inline bool python_readable(uintptr_t at, size_t size)
{
	if (at + size + 8 < at)
		return false;
	for (uintptr_t page = at; page < at + size; page = (page & ~4095ul) + 4096)
		if (!python_word_readable(page & ~7ul))
			return false;
	return true;
}

/* A word, which must be aligned as all of the interpreter's are. */
static inline __attribute__((always_inline)) bool python_load(bool checked, uintptr_t at,
							      uintptr_t *value)
{
	if (checked && (at % sizeof *value || at < 4096 || !python_word_readable(at)))
		return false;
	*value = *(const uintptr_t *)at;
	return true;
}

static inline __attribute__((always_inline)) bool python_load_int(bool checked,
								  uintptr_t at,
								  int32_t *value)
{
	if (checked &&
	    (at % sizeof *value || at < 4096 || !python_word_readable(at & ~7ul)))
		return false;
	*value = *(const int32_t *)at;
	return true;
}
