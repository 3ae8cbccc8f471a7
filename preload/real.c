/* SPDX-License-Identifier: MIT */
/* Finds the functions behind the hooks. */
#include <dlfcn.h>
#include <stdatomic.h>

#include "hooks.h"

struct real real;
_Atomic int real_ready;

/* For vfork.S, which can reach neither a struct's member by name nor a C function's
 * return. */
extern pid_t (*vfork_real)(void);
pid_t (*vfork_real)(void);
void *vfork_resolve(void);

void *vfork_resolve(void)
{
	real_init();
	return (void *)vfork_real;
}

void real_init(void)
{
#define HOOK(name) *(void **)(&real.name) = dlsym(RTLD_NEXT, #name);
	HOOK_LIST
#undef HOOK
	vfork_real = real.vfork;
	atomic_store_explicit(&real_ready, 1, memory_order_release);
}
