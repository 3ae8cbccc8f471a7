/* SPDX-License-Identifier: MIT */
/*
 * An interposer that does nothing: it exports the names of libclosewait, and each jumps to the
 * function behind it. What it costs is the price of being called at all.
 */
#include "preload/hooks.h"

#define HOOK(name) void *empty_##name __attribute__((visibility("hidden")));
HOOK_LIST
#undef HOOK

#define HOOK(name)                                                     \
	__asm__(".globl " #name "\n.type " #name ", @function\n" #name \
		":\n\tjmp *empty_" #name "(%rip)\n");
HOOK_LIST
#undef HOOK

/* Linked with -z initfirst: before any other library's constructor calls one of them. */
__attribute__((constructor)) static void resolve(void)
{
	real_init();
#define HOOK(name) empty_##name = (void *)real.name;
	HOOK_LIST
#undef HOOK
}
