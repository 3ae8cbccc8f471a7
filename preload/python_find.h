/* SPDX-License-Identifier: MIT */
/*
 * The CPython of this process, if there is one: found in the modules of stacks that are unwound,
 * so a program that is none pays a comparison for each stack never seen before.
 *
 * Found by our own look into the modules' symbols (elf_symbol.h): a library that was opened late
 * or RTLD_LOCAL is found too, no lock of the loader's is taken, and nothing is allocated.
 */
#pragma once

#include <stdatomic.h>

#include "modules.h"
#include "python_offsets.h"
#include "stack.h"

enum python_state {
	PYTHON_NONE,
	PYTHON_FOUND,   /* its layout is believed by nobody yet: checked loads only */
	PYTHON_TRUSTED, /* every check passed, on a stack too: plain loads */
	PYTHON_REFUSED, /* for good */
};

struct python {
	_Atomic uint32_t unloads; /* of libraries, when it was last seen to be there */
	_Atomic uint32_t state;   /* set last; what follows does not change then */
	unsigned major, minor;
	struct python_offsets at;
	uint16_t bytecode; /* of code objects to 3.10: their co_code */
	uintptr_t code_type;
	uintptr_t frame_type;
	uintptr_t text_type;  /* of names */
	uintptr_t bytes_type; /* of line tables */
	uintptr_t eval_low;   /* the evaluation loop; 0: not known */
	uintptr_t eval_high;
	uintptr_t function_type, method_type, cell_type, tuple_type;
	bool handlers; /* asyncio's can be followed */
	void *(*this_thread)(void);
	void *(*main_interpreter)(void); /* 2.7: NULL */
	void *(*newest_interpreter)(void);
	int (*is_initialized)(void);
	int (*is_finalizing)(void); /* NULL: */
	const uintptr_t
		*finalizing; /* 3.6; NULL: as long as it is initialized it is not */
};

extern struct python python;

static inline enum python_state python_state(void)
{
	return (enum python_state)atomic_load_explicit(&python.state,
						       memory_order_acquire);
}

/* From 3.11 on frames are no objects: each has a pointer to its instruction. */
static inline bool python_since_311(void)
{
	return python.at.lines == PYTHON_LINES_LOCATIONS;
}

/* Looks into the modules of a stack that nobody has looked into: for an interpreter, and for a second
 * one, which ends it all. For the holder of the sites'
 * lock, and not for the stack of a signal handler. */
void python_seek(const struct stack *stack);

/* Has a library been unloaded since? It may have been the interpreter's. */
static inline bool python_may_be_gone(void)
{
	return atomic_load_explicit(&python.unloads, memory_order_relaxed) !=
	       modules_unloads();
}

/* Looks whether it was; then there is none any more, until another is found. For the holder of the
 * sites' lock. */
void python_look_again(void);

/* Are there subinterpreters? No lock is taken, nothing of theirs is read. */
bool python_is_several(void);

/* Its stack is not what its table of offsets says: never again in this process. */
void python_distrust(void);
