/* SPDX-License-Identifier: MIT */
/* Hooks of fork(), daemon() and clone(); vfork's is vfork.S. */
#include <stdarg.h>

#include "books.h"
#include "exit.h"
#include "hooks.h"
#include "rare.h"
#include "rmw.h"

/* What is done before and after stands in pthread_atfork's handlers, which run for the forks
 * inside libc too; they are not told of a failure. */
HOT CW_HOOK pid_t fork(void)
{
	pid_t pid = real_get()->fork();

	if (pid < 0)
		books_fork_failed();
	return pid;
}

/* Its parent leaves by an _exit() inside libc. If there is no child it does not, nor where the
 * child returns from here. */
CW_HOOK int daemon(int stay, int keep)
{
	int r;

	exit_with_fork(true);
	r = real_get()->daemon(stay, keep);
	exit_with_fork(false);
	if (r < 0)
		exit_not_yet();
	return r;
}

/* Our memory, but descriptors of its own: what it does to them is not ours. */
static bool is_like_vfork(int flags)
{
	return flags & CLONE_VM && !(flags & (CLONE_THREAD | CLONE_FILES));
}

/* The child begins in `f`, on a stack of its own: no frame of ours is returned from twice. The
 * mark is in the thread storage that both have. (One with CLONE_SETTLS has its own, of which we
 * know nothing, not even that there is room for ours.) */
static int clone_with(__typeof__(clone) *real_clone, int (*f)(void *), void *stack,
		      int flags, void *argument, va_list ap)
{
	pid_t *parent_tid = va_arg(ap, pid_t *);
	void *tls = va_arg(ap, void *);
	pid_t *child_tid = va_arg(ap, pid_t *);
	int pid;

	if (flags & CLONE_VM && !(flags & CLONE_VFORK))
		rmw_not_alone();
	if (is_like_vfork(flags))
		vfork_mark = 1;
	pid = real_clone(f, stack, flags, argument, parent_tid, tls, child_tid);
	if (pid > 0 && clone_shares_files_alone((unsigned long)flags))
		books_share_files();
	return pid;
}

CW_HOOK int clone(int (*f)(void *), void *stack, int flags, void *argument, ...)
{
	va_list ap;
	int pid;

	va_start(ap, argument);
	pid = clone_with(real_get()->clone, f, stack, flags, argument, ap);
	va_end(ap);
	return pid;
}

CW_HOOK int __clone(int (*f)(void *), void *stack, int flags, void *argument, ...)
{
	va_list ap;
	int pid;

	va_start(ap, argument);
	pid = clone_with(real_get()->__clone, f, stack, flags, argument, ap);
	va_end(ap);
	return pid;
}
