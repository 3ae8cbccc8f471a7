/* SPDX-License-Identifier: MIT */
/* Switches stacks for one call. */
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "on_stack.h"
#include "sys.h"

/* The deepest of what runs there is libunwind, for an audit. */
#define OWN_STACK (256u << 10)

/* Not inlined: a call of its own tells the compiler that the vector registers are gone
 * too. */
__attribute__((noinline)) static void call_on(void (*f)(void *), void *argument,
					      void *top)
{
#if defined(__x86_64__)
	__asm__ volatile("movq %%rsp, %%rbx\n\t"
			 "movq %2, %%rsp\n\t"
			 "call *%0\n\t"
			 "movq %%rbx, %%rsp"
			 : "+r"(f), "+D"(argument)
			 : "r"(top)
			 : "rbx", "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11",
			   "memory", "cc");
#else
	register void *x0 __asm__("x0") = argument;

	__asm__ volatile("mov x19, sp\n\t"
			 "mov sp, %2\n\t"
			 "blr %1\n\t"
			 "mov sp, x19"
			 : "+r"(x0)
			 : "r"(f), "r"(top)
			 : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10",
			   "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19",
			   "x30", "memory", "cc");
#endif
}

static void run(void (*f)(void *), void *argument, void *stack)
{
	if (stack)
		call_on(f, argument, (uint8_t *)stack + OWN_STACK);
	else
		f(argument);
}

void on_own_stack(void (*f)(void *argument), void *argument)
{
	void *stack = sys_mmap(OWN_STACK, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1);

	run(f, argument, stack);
	if (stack)
		sys_munmap(stack, OWN_STACK);
}

void on_capture_stack(void (*f)(void *argument), void *argument)
{
	/* No mapping, which would have to be copied at every fork. */
	static uint8_t stack[OWN_STACK] __attribute__((aligned(4096)));

	run(f, argument, stack);
}
