/* SPDX-License-Identifier: MIT */
/*
 * The peer's address around an accept, for the hooks of accept() and syscall().
 *
 * Where the program did not ask for it we do: the kernel has it at hand, and a question later
 * would be one system call more. Where it did, its buffer is its own: the address can be taken
 * from there only if it is known how much of it the kernel filled, and the room that the program
 * gave is overwritten by then, while to read it beforehand might fault where the kernel says
 * EFAULT.
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

/* What to call accept with: `address` and `size`. */
struct accepting {
	struct sockaddr *address;
	socklen_t *size;
	uint64_t entry; /* the listener's */
	socklen_t room; /* bytes at `address`; 0: not known */
	socklen_t own_size;
	struct sockaddr_storage own;
};

void accept_begin(struct accepting *a, int listener, struct sockaddr *address,
		  socklen_t *size);

/* After the call returned fd. Preserves errno. */
void accept_end(const struct accepting *a, int listener, int fd);
