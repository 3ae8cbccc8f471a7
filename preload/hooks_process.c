/* SPDX-License-Identifier: MIT */
/* Hooks of the calls by which a process changes, or reaches, whose descriptors are whose. */
#include <sys/syscall.h>

#include "books.h"
#include "hooks.h"
#include "lifecycle.h"

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438 /* Linux 5.6 */
#endif

/* glibc has it since 2.36. */
CW_HOOK int pidfd_getfd(int pidfd, int target, unsigned flags)
{
	const struct real *next = real_get();
	int fd = next->pidfd_getfd
			 ? next->pidfd_getfd(pidfd, target, flags)
			 : (int)next->syscall(SYS_pidfd_getfd, pidfd, target, flags);

	if (fd >= 0)
		lifecycle_received(fd);
	return fd;
}

/* As close_range() with CLOSE_RANGE_UNSHARE: alone nothing changes for who calls it. */
CW_HOOK int unshare(int flags)
{
	bool leaves = flags & CLONE_FILES && books_shared_by_threads();
	int r = real_get()->unshare(flags);

	if (r == 0 && leaves)
		books_leave();
	return r;
}
