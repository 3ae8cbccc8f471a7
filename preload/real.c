/* SPDX-License-Identifier: MIT */
/* Finds the functions behind the hooks. */
#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <stdatomic.h>
#include <string.h>

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

/* What glibc has only since 2.N, from the man pages of the calls, and glibc's NEWS. */
static const struct newcomer {
	const char *name;
	unsigned since;
} newcomers[] = {
	{"__isoc23_fscanf", 38},
	{"__isoc23_vfscanf", 38},
	{"epoll_pwait2", 35},
	{"pidfd_getfd", 36},
};

/* The N of glibc 2.N. */
static unsigned libc_minor(void)
{
	const char *at = strchr(gnu_get_libc_version(), '.');
	unsigned minor = 0;

	while (at && *++at >= '0' && *at <= '9')
		minor = minor * 10 + (unsigned)(*at - '0');
	return minor;
}

/* A name that is not there is not asked for: to say so dlsym() calls malloc(), and who calls us may
 * be an allocator that is just starting (jemalloc, by syscall()), with its lock held. */
static void *resolve(const char *name, unsigned minor)
{
	for (size_t i = 0; i < sizeof newcomers / sizeof *newcomers; i++) {
		if (minor < newcomers[i].since && strcmp(name, newcomers[i].name) == 0)
			return NULL;
	}
	return dlsym(RTLD_NEXT, name);
}

void real_init(void)
{
	unsigned minor = libc_minor();

#define HOOK(name) *(void **)(&real.name) = resolve(#name, minor);
	HOOK_LIST
#undef HOOK
	vfork_real = real.vfork;
	atomic_store_explicit(&real_ready, 1, memory_order_release);
}
