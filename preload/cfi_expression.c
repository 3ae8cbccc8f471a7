/* SPDX-License-Identifier: MIT */
/* Evaluates DWARF expressions (DWARF 5, 2.5 and 7.7.1), without those of debugging information. */
#include <dwarf.h>

#include "cfi_expression.h"

#define DEPTH_MAX 16
/* The longest that is known, of the kernel's and glibc's, has ten. */
#define STEPS_MAX 256

struct evaluation {
	struct cfi_bytes b;
	const uint8_t *begin;
	struct frame *frame;
	unsigned depth;
	uintptr_t stack[DEPTH_MAX];
};

static void push(struct evaluation *e, uintptr_t value)
{
	if (e->depth == DEPTH_MAX)
		cfi_fail(&e->b);
	else
		e->stack[e->depth++] = value;
}

static uintptr_t pop(struct evaluation *e)
{
	if (e->depth)
		return e->stack[--e->depth];
	cfi_fail(&e->b);
	return 0;
}

/* The `n`th from the top. */
static uintptr_t pick(struct evaluation *e, unsigned n)
{
	if (n < e->depth)
		return e->stack[e->depth - 1 - n];
	cfi_fail(&e->b);
	return 0;
}

static void push_register(struct evaluation *e, uint64_t number)
{
	int64_t offset = cfi_sleb(&e->b);
	uintptr_t value = 0;

	if (number >= CFI_REGISTERS ||
	    !frame_register(e->frame, (unsigned)number, &value))
		cfi_fail(&e->b);
	push(e, value + (uintptr_t)offset);
}

static void push_memory(struct evaluation *e, unsigned size)
{
	uintptr_t value = 0;

	if (!size || size > sizeof value ||
	    !stack_memory_word(e->frame->memory, pop(e), &value))
		cfi_fail(&e->b);
	else if (size < sizeof value)
		value &= ((uintptr_t)1 << size * 8) - 1;
	push(e, value);
}

static void push_constant(struct evaluation *e, uint8_t op)
{
	switch (op) {
	case DW_OP_const1u:
		push(e, cfi_unsigned(&e->b, 1));
		return;
	case DW_OP_const1s:
		push(e, (uintptr_t)cfi_signed(&e->b, 1));
		return;
	case DW_OP_const2u:
		push(e, cfi_unsigned(&e->b, 2));
		return;
	case DW_OP_const2s:
		push(e, (uintptr_t)cfi_signed(&e->b, 2));
		return;
	case DW_OP_const4u:
		push(e, cfi_unsigned(&e->b, 4));
		return;
	case DW_OP_const4s:
		push(e, (uintptr_t)cfi_signed(&e->b, 4));
		return;
	default:
		push(e, cfi_unsigned(&e->b, 8));
	}
}

static void branch(struct evaluation *e, bool taken)
{
	int64_t distance = cfi_signed(&e->b, 2);

	if (!taken || e->b.bad)
		return;
	if (distance < e->begin - e->b.at || distance > e->b.end - e->b.at)
		cfi_fail(&e->b);
	else
		e->b.at += distance;
}

static void reorder(struct evaluation *e, uint8_t op)
{
	uintptr_t first = pop(e), second, third;

	switch (op) {
	case DW_OP_dup:
		push(e, first);
		push(e, first);
		return;
	case DW_OP_swap:
		second = pop(e);
		push(e, first);
		push(e, second);
		return;
	case DW_OP_rot:
		second = pop(e);
		third = pop(e);
		push(e, first);
		push(e, third);
		push(e, second);
		return;
	default: /* DW_OP_drop */
		return;
	}
}

static uintptr_t divided(struct evaluation *e, intptr_t a, intptr_t b)
{
	if (b && !(a == INTPTR_MIN && b == -1))
		return (uintptr_t)(a / b);
	cfi_fail(&e->b);
	return 0;
}

static uintptr_t remainder_of(struct evaluation *e, uintptr_t a, uintptr_t b)
{
	if (b)
		return a % b;
	cfi_fail(&e->b);
	return 0;
}

/* `a op b`, `b` being the top of the stack. */
static void binary(struct evaluation *e, uint8_t op)
{
	uintptr_t b = pop(e), a = pop(e);
	intptr_t sa = (intptr_t)a, sb = (intptr_t)b;
	bool whole = b >= sizeof a * 8; /* all bits are shifted out */

	switch (op) {
	case DW_OP_and:
		push(e, a & b);
		return;
	case DW_OP_div:
		push(e, divided(e, sa, sb));
		return;
	case DW_OP_minus:
		push(e, a - b);
		return;
	case DW_OP_mod:
		push(e, remainder_of(e, a, b));
		return;
	case DW_OP_mul:
		push(e, a * b);
		return;
	case DW_OP_or:
		push(e, a | b);
		return;
	case DW_OP_plus:
		push(e, a + b);
		return;
	case DW_OP_shl:
		push(e, whole ? 0 : a << b);
		return;
	case DW_OP_shr:
		push(e, whole ? 0 : a >> b);
		return;
	case DW_OP_shra:
		push(e, (uintptr_t)(sa >> (whole ? sizeof a * 8 - 1 : b)));
		return;
	case DW_OP_xor:
		push(e, a ^ b);
		return;
	case DW_OP_eq:
		push(e, a == b);
		return;
	case DW_OP_ge:
		push(e, sa >= sb);
		return;
	case DW_OP_gt:
		push(e, sa > sb);
		return;
	case DW_OP_le:
		push(e, sa <= sb);
		return;
	case DW_OP_lt:
		push(e, sa < sb);
		return;
	case DW_OP_ne:
		push(e, a != b);
		return;
	default:
		cfi_fail(&e->b);
	}
}

static void evaluate(struct evaluation *e, uint8_t op)
{
	uintptr_t value;

	if (op >= DW_OP_lit0 && op <= DW_OP_lit31) {
		push(e, op - DW_OP_lit0);
		return;
	}
	if (op >= DW_OP_breg0 && op <= DW_OP_breg31) {
		push_register(e, op - DW_OP_breg0);
		return;
	}
	if (op >= DW_OP_const1u && op <= DW_OP_const8s) {
		push_constant(e, op);
		return;
	}
	switch (op) {
	case DW_OP_addr:
		push(e, cfi_unsigned(&e->b, 8));
		return;
	case DW_OP_deref:
		push_memory(e, sizeof value);
		return;
	case DW_OP_deref_size:
		push_memory(e, cfi_u8(&e->b));
		return;
	case DW_OP_constu:
		push(e, cfi_uleb(&e->b));
		return;
	case DW_OP_consts:
		push(e, (uintptr_t)cfi_sleb(&e->b));
		return;
	case DW_OP_over:
		push(e, pick(e, 1));
		return;
	case DW_OP_pick:
		push(e, pick(e, cfi_u8(&e->b)));
		return;
	case DW_OP_dup:
	case DW_OP_drop:
	case DW_OP_swap:
	case DW_OP_rot:
		reorder(e, op);
		return;
	case DW_OP_abs:
		value = pop(e);
		push(e, (intptr_t)value < 0 ? -value : value);
		return;
	case DW_OP_neg:
		push(e, -pop(e));
		return;
	case DW_OP_not:
		push(e, ~pop(e));
		return;
	case DW_OP_plus_uconst:
		value = pop(e);
		push(e, value + cfi_uleb(&e->b));
		return;
	case DW_OP_bregx:
		push_register(e, cfi_uleb(&e->b));
		return;
	case DW_OP_skip:
		branch(e, true);
		return;
	case DW_OP_bra:
		branch(e, pop(e) != 0);
		return;
	case DW_OP_nop:
		return;
	default:
		binary(e, op);
	}
}

bool cfi_evaluate(struct cfi_bytes expression, struct frame *f, const uintptr_t *cfa,
		  uintptr_t *result)
{
	struct evaluation e;

	e.b = expression;
	e.begin = expression.at;
	e.frame = f;
	e.depth = 0;
	if (cfa)
		push(&e, *cfa);
	for (unsigned steps = 0; cfi_more(&e.b); steps++) {
		if (steps == STEPS_MAX)
			return false;
		evaluate(&e, *e.b.at++);
	}
	*result = pop(&e);
	return !e.b.bad;
}
