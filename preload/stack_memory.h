/* SPDX-License-Identifier: MIT */
/*
 * What an unwind reads of the stack: each word only after the kernel has said that its page can be
 * read, and noted in the log of what the result depends on (known_stacks.h).
 *
 * For the holder of the sites' lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "known_stacks.h"

#define STACK_PAGES_KNOWN 64

struct stack_memory {
	uintptr_t low; /* nothing below the starting stack pointer is looked at */
	struct known_log *log;
	unsigned pages;
	uintptr_t last_page;
	uintptr_t page[STACK_PAGES_KNOWN]; /* that can be read */
};

/* Begins anew: pages may have gone since. */
void stack_memory_begin(struct stack_memory *s, uintptr_t low, struct known_log *log);

/* The word at `address`: on the stack, or in a module, where a stack may be, too. */
bool stack_memory_word(struct stack_memory *s, uintptr_t address, uintptr_t *value);

/* Is there anything at `address`, on the stack or not? It is not read. */
bool stack_memory_mapped(struct stack_memory *s, uintptr_t address);
