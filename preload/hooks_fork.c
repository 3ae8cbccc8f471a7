/* SPDX-License-Identifier: MIT */
/* The hook of fork(). */
#include "books.h"
#include "hooks.h"

/* What is done before and after stands in pthread_atfork's handlers, which run for the forks
 * inside libc too; they are not told of a failure. */
CW_HOOK pid_t fork(void)
{
	pid_t pid = real_get()->fork();

	if (pid < 0)
		books_fork_failed();
	return pid;
}
