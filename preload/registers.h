/* SPDX-License-Identifier: MIT */
/* The registers that an unwind starts from. In any context. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#include "cfi.h"

struct registers {
	uintptr_t pc;
	uint64_t known; /* bit n: value[n] is */
	uintptr_t value[CFI_REGISTERS];
};

#if defined(__x86_64__)
/* rbx, rbp, rsp, r12 to r15 */
#define REGISTERS_PRESERVED (1ul << 3 | 1ul << 6 | 1ul << 7 | 0xful << 12)
#else
/* x19 to x30, sp */
#define REGISTERS_PRESERVED (0x1ffful << 19)
#endif

/* Those that a call preserves, and where we are. */
__attribute__((always_inline)) static inline void registers_take(struct registers *r)
{
#if defined(__x86_64__)
	__asm__ volatile("movq %%rbx, %0\n\tmovq %%rbp, %1\n\tmovq %%r12, %2\n\t"
			 "movq %%r13, %3\n\tmovq %%r14, %4\n\tmovq %%r15, %5\n\t"
			 "movq %%rsp, %6\n\tleaq 0(%%rip), %%rax\n\tmovq %%rax, %7"
			 : "=m"(r->value[3]), "=m"(r->value[6]), "=m"(r->value[12]),
			   "=m"(r->value[13]), "=m"(r->value[14]), "=m"(r->value[15]),
			   "=m"(r->value[7]), "=m"(r->pc)
			 :
			 : "rax");
#else
	/* The numbers are 8 times the registers'. */
	__asm__ volatile("stp x19, x20, [%1, #152]\n\tstp x21, x22, [%1, #168]\n\t"
			 "stp x23, x24, [%1, #184]\n\tstp x25, x26, [%1, #200]\n\t"
			 "stp x27, x28, [%1, #216]\n\tstp x29, x30, [%1, #232]\n\t"
			 "mov x9, sp\n\tstr x9, [%1, #248]\n\t"
			 "adr x10, .\n\tstr x10, %0"
			 : "=m"(r->pc)
			 : "r"(r->value)
			 : "x9", "x10", "memory");
#endif
	r->known = REGISTERS_PRESERVED;
}

#if defined(__x86_64__)
/* Which of a context's gregs[] each is. */
extern const uint8_t register_in_context[CFI_REGISTERS];
#endif

/* Those of the code that a signal interrupted. */
void registers_take_interrupted(struct registers *r, const ucontext_t *context);
