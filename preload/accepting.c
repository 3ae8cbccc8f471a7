/* SPDX-License-Identifier: MIT */
/* The peer's address around an accept. */
#include "accepting.h"
#include "kernel.h"
#include "lifecycle.h"

#define SMALLEST_PAGE 4096u

/* In the page of our own frame: a local variable of our caller's, as a rule. */
static bool is_on_this_page_of_the_stack(const socklen_t *size)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uintptr_t there = (uintptr_t)size;

	return (here ^ there) < SMALLEST_PAGE &&
	       there % SMALLEST_PAGE <= SMALLEST_PAGE - sizeof *size;
}

void accept_begin(struct accepting *a, int listener, struct sockaddr *address,
		  socklen_t *size)
{
	a->entry = lifecycle_entry(listener);
	a->address = address;
	a->size = size;
	a->room = 0;
	/* An address without a size is the program's error to get. */
	if (!address) {
		a->own_size = sizeof a->own;
		a->address = (struct sockaddr *)&a->own;
		a->size = &a->own_size;
		a->room = sizeof a->own;
	} else if (is_on_this_page_of_the_stack(size)) {
		a->room = *size;
	}
}

void accept_end(const struct accepting *a, int listener, int fd)
{
	struct sockaddr_storage asked;
	socklen_t size = sizeof asked;

	if (fd < 0) {
		lifecycle_open_failed();
	} else if (a->room && *a->size <= a->room) {
		lifecycle_accepted(listener, a->entry, fd, a->address, *a->size);
	} else {
		/* The peer may have left by now, and its address with it. */
		if (!kernel_peer(fd, &asked, &size))
			size = 0;
		lifecycle_accepted(listener, a->entry, fd, &asked, size);
	}
}
