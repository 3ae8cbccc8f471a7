/* SPDX-License-Identifier: MIT */
/* Recognises the kernel's frames of signal handlers. */
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#include "registers.h"
#include "signal_frame.h"

/* The system call rt_sigreturn. */
static const uint8_t code[] = {
#if defined(__x86_64__)
	0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, /* mov $15, %rax */
	0x0f, 0x05,                               /* syscall */
#else
	0x68, 0x11, 0x80, 0xd2, /* mov x8, #139 */
	0x01, 0x00, 0x00, 0xd4, /* svc #0 */
#endif
};

bool signal_frame_at(const struct module *m, uintptr_t pc)
{
	return m && module_holds(m, pc, sizeof code) &&
	       memcmp((const void *)pc, code, sizeof code) == 0;
}

#if defined(__x86_64__)
/* The handler's return has left its address; behind it lies the context (struct rt_sigframe,
 * <arch/x86/include/asm/sigframe.h>). */
uintptr_t signal_frame_places(struct frame_place places[CFI_REGISTERS], uintptr_t sp)
{
	uintptr_t registers = sp + offsetof(ucontext_t, uc_mcontext.gregs);

	for (unsigned i = 0; i < CFI_REGISTERS; i++)
		places[i] = (struct frame_place){
			PLACE_MEMORY, registers + register_in_context[i] * 8ul};
	return places[CFI_RA].value;
}
#else
/* A siginfo_t and the context (struct rt_sigframe, arch/arm64/kernel/signal.c). */
uintptr_t signal_frame_places(struct frame_place places[CFI_REGISTERS], uintptr_t sp)
{
	uintptr_t context = sp + sizeof(siginfo_t);

	for (unsigned i = 0; i < CFI_REGISTERS; i++)
		places[i] = (struct frame_place){
			PLACE_MEMORY,
			context + offsetof(ucontext_t, uc_mcontext.regs) + i * 8ul};
	places[CFI_SP].value = context + offsetof(ucontext_t, uc_mcontext.sp);
	return context + offsetof(ucontext_t, uc_mcontext.pc);
}
#endif
