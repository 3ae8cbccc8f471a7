/* SPDX-License-Identifier: MIT */
/* Evaluates DWARF expressions (DWARF 5, 2.5 and 7.7.1), without those of debugging information. */
#include "cfi_expression.h"

#define DEPTH_MAX 16
/* The longest that is known, of the kernel's and glibc's, has ten. */
#define STEPS_MAX 256

enum {
	ADDR = 0x03,
	DEREF = 0x06,
	CONST1U = 0x08, /* and so on, signed and unsigned in turn, to the next */
	CONST8S = 0x0f,
	CONSTU = 0x10,
	CONSTS = 0x11,
	DUP = 0x12,
	DROP = 0x13,
	OVER = 0x14,
	PICK = 0x15,
	SWAP = 0x16,
	ROT = 0x17,
	ABS = 0x19,
	AND = 0x1a,
	DIV = 0x1b,
	MINUS = 0x1c,
	MOD = 0x1d,
	MUL = 0x1e,
	NEG = 0x1f,
	NOT = 0x20,
	OR = 0x21,
	PLUS = 0x22,
	PLUS_UCONST = 0x23,
	SHL = 0x24,
	SHR = 0x25,
	SHRA = 0x26,
	XOR = 0x27,
	BRA = 0x28,
	EQ = 0x29,
	GE = 0x2a,
	GT = 0x2b,
	LE = 0x2c,
	LT = 0x2d,
	NE = 0x2e,
	SKIP = 0x2f,
	LIT0 = 0x30,
	LIT31 = 0x4f,
	BREG0 = 0x70,
	BREG31 = 0x8f,
	BREGX = 0x92,
	DEREF_SIZE = 0x94,
	NOP = 0x96,
};

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
	case CONST1U:
		push(e, cfi_unsigned(&e->b, 1));
		return;
	case CONST1U + 1:
		push(e, (uintptr_t)cfi_signed(&e->b, 1));
		return;
	case CONST1U + 2:
		push(e, cfi_unsigned(&e->b, 2));
		return;
	case CONST1U + 3:
		push(e, (uintptr_t)cfi_signed(&e->b, 2));
		return;
	case CONST1U + 4:
		push(e, cfi_unsigned(&e->b, 4));
		return;
	case CONST1U + 5:
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
	case DUP:
		push(e, first);
		push(e, first);
		return;
	case SWAP:
		second = pop(e);
		push(e, first);
		push(e, second);
		return;
	case ROT:
		second = pop(e);
		third = pop(e);
		push(e, first);
		push(e, third);
		push(e, second);
		return;
	default: /* DROP */
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
	case AND:
		push(e, a & b);
		return;
	case DIV:
		push(e, divided(e, sa, sb));
		return;
	case MINUS:
		push(e, a - b);
		return;
	case MOD:
		push(e, remainder_of(e, a, b));
		return;
	case MUL:
		push(e, a * b);
		return;
	case OR:
		push(e, a | b);
		return;
	case PLUS:
		push(e, a + b);
		return;
	case SHL:
		push(e, whole ? 0 : a << b);
		return;
	case SHR:
		push(e, whole ? 0 : a >> b);
		return;
	case SHRA:
		push(e, (uintptr_t)(sa >> (whole ? sizeof a * 8 - 1 : b)));
		return;
	case XOR:
		push(e, a ^ b);
		return;
	case EQ:
		push(e, a == b);
		return;
	case GE:
		push(e, sa >= sb);
		return;
	case GT:
		push(e, sa > sb);
		return;
	case LE:
		push(e, sa <= sb);
		return;
	case LT:
		push(e, sa < sb);
		return;
	case NE:
		push(e, a != b);
		return;
	default:
		cfi_fail(&e->b);
	}
}

static void evaluate(struct evaluation *e, uint8_t op)
{
	uintptr_t value;

	if (op >= LIT0 && op <= LIT31) {
		push(e, op - LIT0);
		return;
	}
	if (op >= BREG0 && op <= BREG31) {
		push_register(e, op - BREG0);
		return;
	}
	if (op >= CONST1U && op <= CONST8S) {
		push_constant(e, op);
		return;
	}
	switch (op) {
	case ADDR:
		push(e, cfi_unsigned(&e->b, 8));
		return;
	case DEREF:
		push_memory(e, sizeof value);
		return;
	case DEREF_SIZE:
		push_memory(e, cfi_u8(&e->b));
		return;
	case CONSTU:
		push(e, cfi_uleb(&e->b));
		return;
	case CONSTS:
		push(e, (uintptr_t)cfi_sleb(&e->b));
		return;
	case OVER:
		push(e, pick(e, 1));
		return;
	case PICK:
		push(e, pick(e, cfi_u8(&e->b)));
		return;
	case DUP:
	case DROP:
	case SWAP:
	case ROT:
		reorder(e, op);
		return;
	case ABS:
		value = pop(e);
		push(e, (intptr_t)value < 0 ? -value : value);
		return;
	case NEG:
		push(e, -pop(e));
		return;
	case NOT:
		push(e, ~pop(e));
		return;
	case PLUS_UCONST:
		value = pop(e);
		push(e, value + cfi_uleb(&e->b));
		return;
	case BREGX:
		push_register(e, cfi_uleb(&e->b));
		return;
	case SKIP:
		branch(e, true);
		return;
	case BRA:
		branch(e, pop(e) != 0);
		return;
	case NOP:
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
