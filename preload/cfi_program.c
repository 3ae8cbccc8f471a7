/* SPDX-License-Identifier: MIT */
/* Executes call frame instructions (DWARF 5, 6.4.2 and 7.24). */
#include <dwarf.h>

#include "cfi.h"

/* What is remembered is restored soon: compilers nest it once. */
#define REMEMBERED_MAX 8

/* Arm's; elfutils names SPARC's of the same number. */
#define NEGATE_RA_STATE DW_CFA_GNU_window_save

struct machine {
	const struct cfi_common *common;
	struct cfi_bytes b;
	uintptr_t location; /* where the row begins */
	uintptr_t pc;
	uintptr_t base;
	struct cfi_row *row;
	const struct cfi_row *initial; /* NULL in the common program */
	unsigned remembered;
	struct cfi_row states[REMEMBERED_MAX];
};

/* Of a register that we do not follow (a vector) nothing is kept. */
static void set(struct machine *m, uint64_t number, enum cfi_rule rule, int64_t value)
{
	if (number >= CFI_REGISTERS)
		return;
	if (value != (int32_t)value) {
		cfi_fail(&m->b);
		return;
	}
	m->row->rule[number] = (uint8_t)rule;
	m->row->value[number] = (int32_t)value;
	if (rule == CFI_SAME)
		m->row->told &= ~(1u << number);
	else
		m->row->told |= 1u << number;
}

static void set_factored(struct machine *m, uint64_t number, enum cfi_rule rule,
			 int64_t offset)
{
	int64_t value;

	if (__builtin_mul_overflow(offset, m->common->data_align, &value))
		cfi_fail(&m->b);
	else
		set(m, number, rule, value);
}

/* Where an expression is, which is then skipped. */
static int64_t take_expression(struct machine *m)
{
	int64_t value = (int64_t)((uintptr_t)m->b.at - m->base);

	cfi_block(&m->b);
	return value;
}

static void set_cfa(struct machine *m, bool is_expression, uint64_t number, int64_t value)
{
	if (number >= CFI_REGISTERS || value != (int32_t)value) {
		cfi_fail(&m->b);
		return;
	}
	m->row->cfa_is_expression = is_expression;
	m->row->cfa_register = (uint8_t)number;
	m->row->cfa = (int32_t)value;
}

static void set_cfa_factored(struct machine *m, uint64_t number, int64_t offset)
{
	int64_t value;

	if (__builtin_mul_overflow(offset, m->common->data_align, &value))
		cfi_fail(&m->b);
	else
		set_cfa(m, false, number, value);
}

static void restore(struct machine *m, uint64_t number)
{
	if (!m->initial)
		cfi_fail(&m->b);
	else if (number < CFI_REGISTERS && !(m->initial->told >> number & 1))
		set(m, number, CFI_SAME, 0);
	else if (number < CFI_REGISTERS)
		set(m, number, m->initial->rule[number], m->initial->value[number]);
}

static void remember_state(struct machine *m)
{
	if (m->remembered == REMEMBERED_MAX)
		cfi_fail(&m->b);
	else
		m->states[m->remembered++] = *m->row;
}

static void restore_state(struct machine *m)
{
	if (!m->remembered)
		cfi_fail(&m->b);
	else
		*m->row = m->states[--m->remembered];
}

static void advance(struct machine *m, uint64_t delta)
{
	m->location += delta * m->common->code_align;
}

/* Those whose operand is the number of a register first. */
static void execute_of_register(struct machine *m, uint8_t op)
{
	uint64_t number = cfi_uleb(&m->b);

	switch (op) {
	case DW_CFA_offset_extended:
		set_factored(m, number, CFI_AT_OFFSET, (int64_t)cfi_uleb(&m->b));
		return;
	case DW_CFA_GNU_negative_offset_extended:
		set_factored(m, number, CFI_AT_OFFSET, (int64_t)-cfi_uleb(&m->b));
		return;
	case DW_CFA_offset_extended_sf:
		set_factored(m, number, CFI_AT_OFFSET, cfi_sleb(&m->b));
		return;
	case DW_CFA_val_offset:
		set_factored(m, number, CFI_IS_OFFSET, (int64_t)cfi_uleb(&m->b));
		return;
	case DW_CFA_val_offset_sf:
		set_factored(m, number, CFI_IS_OFFSET, cfi_sleb(&m->b));
		return;
	case DW_CFA_restore_extended:
		restore(m, number);
		return;
	case DW_CFA_undefined:
		set(m, number, CFI_UNDEFINED, 0);
		return;
	case DW_CFA_same_value:
		set(m, number, CFI_SAME, 0);
		return;
	case DW_CFA_register:
		set(m, number, CFI_IN_REGISTER, (int64_t)cfi_uleb(&m->b));
		return;
	case DW_CFA_expression:
		set(m, number, CFI_AT_EXPRESSION, take_expression(m));
		return;
	case DW_CFA_val_expression:
		set(m, number, CFI_IS_EXPRESSION, take_expression(m));
		return;
	case DW_CFA_def_cfa:
		set_cfa(m, false, number, (int64_t)cfi_uleb(&m->b));
		return;
	case DW_CFA_def_cfa_sf:
		set_cfa_factored(m, number, cfi_sleb(&m->b));
		return;
	case DW_CFA_def_cfa_register:
		set_cfa(m, m->row->cfa_is_expression, number, m->row->cfa);
		if (m->row->cfa_is_expression)
			cfi_fail(&m->b);
		return;
	default:
		cfi_fail(&m->b);
	}
}

static void execute_offset(struct machine *m, int64_t value)
{
	if (m->row->cfa_is_expression)
		cfi_fail(&m->b);
	else
		set_cfa(m, false, m->row->cfa_register, value);
}

static void execute(struct machine *m, uint8_t op)
{
	switch (op) {
	case DW_CFA_nop:
		return;
	case DW_CFA_set_loc:
		m->location = cfi_pointer(&m->b, m->common->encoding);
		return;
	case DW_CFA_advance_loc1:
		advance(m, cfi_unsigned(&m->b, 1));
		return;
	case DW_CFA_advance_loc2:
		advance(m, cfi_unsigned(&m->b, 2));
		return;
	case DW_CFA_advance_loc4:
		advance(m, cfi_unsigned(&m->b, 4));
		return;
	case DW_CFA_MIPS_advance_loc8:
		advance(m, cfi_unsigned(&m->b, 8));
		return;
	case DW_CFA_remember_state:
		remember_state(m);
		return;
	case DW_CFA_restore_state:
		restore_state(m);
		return;
	case DW_CFA_def_cfa_offset:
		execute_offset(m, (int64_t)cfi_uleb(&m->b));
		return;
	case DW_CFA_def_cfa_offset_sf: {
		int64_t value;

		if (__builtin_mul_overflow(cfi_sleb(&m->b), m->common->data_align,
					   &value))
			cfi_fail(&m->b);
		execute_offset(m, value);
		return;
	}
	case DW_CFA_def_cfa_expression:
		set_cfa(m, true, 0, take_expression(m));
		return;
	case DW_CFA_GNU_args_size:
		cfi_uleb(&m->b);
		return;
#if defined(__aarch64__)
	case NEGATE_RA_STATE:
		m->row->return_signed ^= true;
		return;
#endif
	default:
		execute_of_register(m, op);
	}
}

/* Until the next row begins behind `pc`. */
static bool run(struct machine *m, struct cfi_bytes program)
{
	m->b = program;
	while (cfi_more(&m->b)) {
		uint8_t op = *m->b.at++;

		switch (op & 0xc0) {
		case DW_CFA_advance_loc:
			advance(m, op & 0x3f);
			break;
		case DW_CFA_offset:
			set_factored(m, op & 0x3f, CFI_AT_OFFSET,
				     (int64_t)cfi_uleb(&m->b));
			break;
		case DW_CFA_restore:
			restore(m, op & 0x3f);
			break;
		default:
			execute(m, op);
		}
		if (m->location > m->pc)
			break;
	}
	return !m->b.bad;
}

bool cfi_execute(const struct cfi_common *common, struct cfi_bytes program,
		 uintptr_t start, uintptr_t pc, uintptr_t base, struct cfi_row *row)
{
	struct cfi_row initial;
	struct machine m;

	m.common = common;
	m.location = start;
	m.pc = pc;
	m.base = base;
	m.row = row;
	m.initial = NULL;
	m.remembered = 0;
	row->cfa_is_expression = false;
	row->cfa_register = CFI_REGISTERS;
	row->cfa = 0;
	row->return_signed = false;
	row->told = 0;
	if (!run(&m, common->program))
		return false;
	initial = *row;
	m.initial = &initial;
	return run(&m, program) &&
	       (row->cfa_is_expression || row->cfa_register < CFI_REGISTERS);
}
