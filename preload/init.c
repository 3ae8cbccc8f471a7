/* SPDX-License-Identifier: MIT */
/* The library's start-up: what must be known before the program runs. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "books.h"
#include "clock.h"
#include "exit.h"
#include "found.h"
#include "hooks.h"
#include "init.h"
#include "known_stacks.h"
#include "modules.h"
#include "notice.h"
#include "options.h"
#include "proc.h"
#include "quiet_write.h"
#include "rare.h"
#include "session.h"
#include "signals.h"
#include "sys.h"
#include "thread.h"
#include "unwind_audit.h"

static _Atomic int begun;
static uint64_t started;

/* glibc's own registration: a handler that belongs to no library (dso NULL) runs after
 * all that do, and after the destructors and C++ statics of every library. */
int __cxa_atexit(void (*f)(void *, int), void *argument, void *dso);
int __cxa_at_quick_exit(void (*f)(void *, int), void *dso);
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
		      void *dso);

uint64_t init_time(void)
{
	return started;
}

static void help(void)
{
	if (options.help && notice_stderr_same())
		quiet_write(2, options_help, strlen(options_help));
}

HOT static void fork_parent(void)
{
	books_fork_parent();
	exit_after_fork();
}

void init_once(void)
{
	if (atomic_exchange(&begun, 1))
		return;
	started = clock_ns();
	real_get();
	notice_stderr_remember();
	options_parse(proc_environment("CLOSEWAIT_OPTIONS"));
	help();
	modules_init();
	thread_init();
	known_init();
	unwind_audit_open();
	books_reserve();
	__cxa_atexit(exit_normal, NULL, NULL);
	__cxa_at_quick_exit(exit_quick, NULL);
	__register_atfork(books_fork_prepare, fork_parent, books_fork_child, NULL);
	signals_install();
	session_announce();
}

__attribute__((constructor)) static void construct(void)
{
	init_once();
	/* Not where a hook has called it, for a library's constructor that ran before: the socket
	 * that the hook holds is no found one. */
	found_look();
}
