/* SPDX-License-Identifier: MIT */
/* Which thread this is. */
#include <gnu/libc-version.h>
#include <pthread.h>
#include <string.h>

#include "elf_symbol.h"
#include "rare.h"
#include "sys.h"
#include "thread.h"

__thread uint32_t thread_known_id;
static __thread bool forked __attribute__((tls_model("initial-exec")));

/* Where libc keeps a thread's id, in bytes from its pthread_t; 0: not known. The kernel writes it there
 * before the thread runs. */
static size_t id_offset;

/* The main thread's pthread_t; 0: not known. */
static uintptr_t main_thread;

/* What glibc tells debuggers of the field (db_desc_t of its nptl_db/thread_dbP.h): its size in bits, the
 * number of elements, the offset in bytes. */
static const uint32_t *described(void)
{
	const struct module *libc = modules_find((uintptr_t)gnu_get_libc_version);
	uintptr_t at = libc ? elf_symbol(libc, "_thread_db_pthread_tid") : 0;
	const uint32_t *field = (const uint32_t *)at;

	return at && field[0] == 32 && field[1] == 1 ? field : NULL;
}

static uint32_t kept_by_libc(size_t offset)
{
	uint32_t kept;

	memcpy(&kept, (const char *)pthread_self() + offset, sizeof kept);
	return kept;
}

void thread_init(void)
{
	const uint32_t *field = described();

	thread_known_id = (uint32_t)sys_gettid();
	if (field && kept_by_libc(field[2]) == thread_known_id)
		id_offset = field[2];
	if (thread_known_id == (uint32_t)sys_getpid())
		main_thread = (uintptr_t)pthread_self();
}

HOT uint32_t thread_learn_id(void)
{
	if (id_offset && !forked)
		thread_known_id = kept_by_libc(id_offset);
	if (!thread_known_id)
		thread_known_id = (uint32_t)sys_gettid();
	return thread_known_id;
}

void thread_id_forget(void)
{
	thread_known_id = 0;
	forked = true;
}

bool thread_is_main(void)
{
	if (main_thread)
		return (uintptr_t)pthread_self() == main_thread;
	return thread_id() == (uint32_t)sys_getpid();
}
