/* SPDX-License-Identifier: MIT */
/* The way to a descriptor's entry in a thread that has not been here, or in a new child. */
#include "hooks.h"
#include "lifecycle.h"

_Atomic(_Atomic uint64_t *) *lifecycle_look_again(int fd)
{
	struct books *b;

	real_get();
	b = books_here();
	return b ? fd_page_of(b, fd) : books_no_fds;
}
