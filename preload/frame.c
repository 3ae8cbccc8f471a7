/* SPDX-License-Identifier: MIT */
/* Steps from a frame to its caller's. */
#include "frame.h"
#include "after_call.h"
#include "cfi_expression.h"
#include "signal_frame.h"

/* A frame pointer that lies further above the stack pointer is most likely none. */
#define FRAME_MAX (64ul << 10)
/* Nothing is mapped below (vm.mmap_min_addr), or above, in user space. */
#define CODE_MIN  4096ul
#define CODE_MAX  (1ul << 56)

bool frame_register(struct frame *f, unsigned number, uintptr_t *value)
{
	const struct frame_place *place = &f->places[number];

	switch (place->kind) {
	case PLACE_NOWHERE:
		return false;
	case PLACE_OURS:
		f->needs_ours = true;
		return false;
	case PLACE_MEMORY:
		return stack_memory_word(f->memory, place->value, value);
	case PLACE_REGISTER:
		known_log_other(f->memory->log);
		break;
	case PLACE_VALUE:
		break;
	}
	*value = place->value;
	return true;
}

static bool find_cfa(struct frame *f, const struct module *m, const struct cfi_row *row,
		     uintptr_t *cfa)
{
	uintptr_t value;

	if (row->cfa_is_expression)
		return cfi_evaluate(cfi_expression(m, row->cfa), f, NULL, cfa);
	if (!frame_register(f, row->cfa_register, &value))
		return false;
	*cfa = value + (uintptr_t)(intptr_t)row->cfa;
	return true;
}

/* Where the caller's register is. */
static bool find_place(struct frame *f, const struct module *m, const struct cfi_row *row,
		       unsigned number, uintptr_t cfa, struct frame_place *place)
{
	uintptr_t value = cfa + (uintptr_t)(intptr_t)row->value[number];

	switch ((enum cfi_rule)row->rule[number]) {
	case CFI_SAME:
		return false;
	case CFI_UNDEFINED:
		*place = (struct frame_place){PLACE_NOWHERE, 0};
		return true;
	case CFI_AT_OFFSET:
		*place = (struct frame_place){PLACE_MEMORY, value};
		return true;
	case CFI_IS_OFFSET:
		*place = (struct frame_place){PLACE_VALUE, value};
		return true;
	case CFI_IN_REGISTER:
		if (row->value[number] < 0 || row->value[number] >= CFI_REGISTERS)
			return false;
		*place = f->places[row->value[number]];
		return true;
	case CFI_AT_EXPRESSION:
	case CFI_IS_EXPRESSION:
		*place = (struct frame_place){row->rule[number] == CFI_AT_EXPRESSION
						      ? PLACE_MEMORY
						      : PLACE_VALUE,
					      0};
		return cfi_evaluate(cfi_expression(m, row->value[number]), f, &cfa,
				    &place->value);
	}
	return false;
}

/* Without the signature that some functions give theirs (Arm's pointer authentication). */
static uintptr_t bare(uintptr_t address)
{
#if defined(__aarch64__)
	register uintptr_t x30 __asm__("x30") = address;

	/* xpaclri, which older processors take for a nop. */
	__asm__("hint #7" : "+r"(x30));
	return x30;
#else
	return address;
#endif
}

static enum frame_step step_to(struct frame *f, uintptr_t pc, uintptr_t cfa)
{
	bool same = pc == f->pc && cfa == f->cfa;

	f->pc = pc;
	f->cfa = cfa;
	if (!pc)
		return FRAME_END;
	return same ? FRAME_LOST : FRAME_CALLER;
}

/* All of them are found before the first is replaced: one may be told by another. */
static bool replace_places(struct frame *f, const struct module *m,
			   const struct cfi_row *row, uintptr_t cfa)
{
	struct frame_place places[CFI_REGISTERS];

	for (uint32_t left = row->told; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctz(left);

		if (!find_place(f, m, row, i, cfa, &places[i]))
			return false;
	}
	for (uint32_t left = row->told; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctz(left);

		f->places[i] = places[i];
	}
	return true;
}

static bool is_told(const struct cfi_row *row, unsigned number)
{
	return row->told >> number & 1;
}

static enum frame_step by_row(struct frame *f, const struct module *m,
			      const struct cfi_common *common, const struct cfi_row *row)
{
	unsigned ra = common->return_register;
	uintptr_t cfa, pc;

	if (!find_cfa(f, m, row, &cfa))
		return FRAME_LOST;
	if (is_told(row, ra) && row->rule[ra] == CFI_UNDEFINED) {
		f->cfa = cfa;
		return FRAME_END;
	}
	/* Who has called has saved it: what is in its place is the callee's. */
	if (!is_told(row, ra) && !f->exact)
		return FRAME_LOST;
	if (!replace_places(f, m, row, cfa))
		return FRAME_LOST;
	if (!is_told(row, CFI_SP))
		f->places[CFI_SP] = (struct frame_place){PLACE_VALUE, cfa};
	if (!frame_register(f, ra, &pc))
		return FRAME_LOST;
	f->exact = common->signal_return;
	return step_to(f, row->return_signed ? bare(pc) : pc, cfa);
}

static enum frame_step by_signal(struct frame *f)
{
	uintptr_t sp, at, pc;

	f->guessed = true;
	if (!frame_register(f, CFI_SP, &sp))
		return FRAME_LOST;
	at = signal_frame_places(f->places, sp);
	if (!stack_memory_word(f->memory, at, &pc) || !frame_register(f, CFI_SP, &sp))
		return FRAME_LOST;
	f->exact = true;
	return step_to(f, pc, sp);
}

/* Can the frame pointer of a callee whose frame ends at `sp` be followed? */
static bool is_frame_pointer(uintptr_t fp, uintptr_t sp)
{
	return fp >= sp && fp - sp <= FRAME_MAX && fp % sizeof fp == 0;
}

/* Nothing is executed on a stack, and a module's code is called by calls, unless it is what a
 * signal's handler returns to. Other code is not looked at, which another thread could unmap
 * meanwhile: but what keeps no frame pointer is none. `fp` is where that of the caller is saved. */
static bool can_return_to(struct frame *f, uintptr_t pc, uintptr_t fp)
{
	const struct module *m;
	uintptr_t saved;

	if (pc < CODE_MIN || pc > CODE_MAX || known_on_stack(f->memory->low, pc))
		return false;
	m = modules_find(pc - 1);
	if (m)
		return after_call(m, pc) || signal_frame_at(m, pc);
	return stack_memory_word(f->memory, fp, &saved) &&
	       is_frame_pointer(saved, fp + 2 * sizeof fp) &&
	       stack_memory_mapped(f->memory, pc);
}

/* The frame's pointer points to the caller's, and the return address lies above it: so compilers
 * at run time have it, on both architectures. */
static enum frame_step by_pointer(struct frame *f)
{
	uintptr_t sp, fp, pc;

	f->guessed = true;
	if (!frame_register(f, CFI_FP, &fp))
		return FRAME_LOST;
	if (!fp)
		return FRAME_END;
	if (!frame_register(f, CFI_SP, &sp) || !is_frame_pointer(fp, sp) ||
	    !stack_memory_word(f->memory, fp + sizeof fp, &pc))
		return FRAME_LOST;
	pc = bare(pc);
	if (pc && !can_return_to(f, pc, fp))
		return FRAME_LOST;
	for (unsigned i = 0; i < CFI_REGISTERS; i++)
		f->places[i].kind = PLACE_NOWHERE;
	f->places[CFI_FP] = (struct frame_place){PLACE_MEMORY, fp};
	f->places[CFI_SP] = (struct frame_place){PLACE_VALUE, fp + 2 * sizeof fp};
	f->places[CFI_RA] = (struct frame_place){PLACE_MEMORY, fp + sizeof fp};
	f->exact = false;
	return step_to(f, pc, fp + 2 * sizeof fp);
}

enum frame_step frame_step(struct frame *f, const struct module *m)
{
	struct cfi_common common;
	struct cfi_row row;
	enum cfi_found found = CFI_NONE;

	if (m && m->eh_frame_hdr)
		found = cfi_find(m, frame_instruction(f), &common, &row);
	switch (found) {
	case CFI_FOUND:
		return by_row(f, m, &common, &row);
	case CFI_NONE:
		return signal_frame_at(m, f->pc) ? by_signal(f) : by_pointer(f);
	case CFI_BROKEN:
		break;
	}
	return FRAME_LOST;
}
