/* SPDX-License-Identifier: MIT */
/*
 * One frame of a stack, and the step to its caller's: by the call frame information of the function
 * that it is of, and where there is none (code that a machine has compiled, or an assembler), by
 * the frame pointer.
 *
 * Of each register only the place is known where it was saved: it is read, and noted in the log,
 * when the way on depends on it, not before.
 *
 * For the holder of the sites' lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfi.h"
#include "stack_memory.h"

enum place_kind {
	PLACE_NOWHERE,  /* lost */
	PLACE_OURS,     /* in a frame of ours, which was not looked at */
	PLACE_REGISTER, /* still in the register: `value` is what it held at the start */
	PLACE_MEMORY,   /* at the address `value` */
	PLACE_VALUE,    /* follows from the place of a frame */
};

struct frame {
	uintptr_t pc;    /* a return address, */
	bool exact;      /* or the very instruction */
	bool needs_ours; /* the way on depended on one that is PLACE_OURS */
	bool guessed;    /* not by unwind information alone was it, or a callee, found */
	uintptr_t cfa;   /* the stack pointer, by the callee's information; at first 0 */
	struct stack_memory *memory;
	struct frame_place {
		enum place_kind kind;
		uintptr_t value;
	} places[CFI_REGISTERS];
};

enum frame_step {
	FRAME_CALLER, /* it is the caller's now */
	FRAME_END,    /* it has none: `cfa` is that of the outermost frame */
	FRAME_LOST,   /* where the caller is cannot be told */
};

/* `m` is the module of the instruction called from, NULL: none. */
enum frame_step frame_step(struct frame *f, const struct module *m);

/* What a register holds in the frame. False: not known. */
bool frame_register(struct frame *f, unsigned number, uintptr_t *value);

/* The instruction that a frame's rules are looked up for: a return address may be the first byte
 * behind its function. */
static inline uintptr_t frame_instruction(const struct frame *f)
{
	return f->exact ? f->pc : f->pc - 1;
}
