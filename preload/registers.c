/* SPDX-License-Identifier: MIT */
/* Registers of interrupted code. */
#include "registers.h"

#if defined(__x86_64__)
const uint8_t register_in_context[CFI_REGISTERS] = {
	REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
	REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP,
};
#endif

void registers_take_interrupted(struct registers *r, const ucontext_t *context)
{
#if defined(__x86_64__)
	for (unsigned i = 0; i < CFI_RA; i++)
		r->value[i] =
			(uintptr_t)context->uc_mcontext.gregs[register_in_context[i]];
	r->known = 0xffff;
	r->pc = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#else
	for (int i = 0; i < 31; i++)
		r->value[i] = context->uc_mcontext.regs[i];
	r->value[CFI_SP] = context->uc_mcontext.sp;
	r->known = 0xfffffffful;
	r->pc = context->uc_mcontext.pc;
#endif
}
