/* SPDX-License-Identifier: MIT */
/* Hooks that keep libunwind from making a pipe in the program; for everybody else they
 * pass. */
#include <errno.h>

#include "hooks.h"
#include "unwind.h"

static int refuse(int fds[2])
{
	fds[0] = fds[1] = -1;
	errno = ENOSYS;
	return -1;
}

CW_HOOK int pipe(int fds[2])
{
	return unwind_starting() ? refuse(fds) : real_get()->pipe(fds);
}

CW_HOOK int pipe2(int fds[2], int flags)
{
	return unwind_starting() ? refuse(fds) : real_get()->pipe2(fds, flags);
}
