/* SPDX-License-Identifier: MIT */
/*
 * What the kernel knows of one of our sockets. System calls only, none that changes
 * anything: SO_ERROR is never read, since that would clear the program's.
 */
#pragma once

#include <sys/socket.h>

#include "books.h"

/* SO_COOKIE, 0 if it is no socket. */
uint64_t kernel_cookie(int fd);

/* Domain, type and protocol; false if fd is no socket. */
bool kernel_kind(int fd, int *domain, int *type, int *protocol);

/* Whether a listening socket. */
bool kernel_listening(int fd);

/* Whether it has a peer, and its address; *size is the room for it, and then its size. */
bool kernel_connected(int fd);
bool kernel_peer(int fd, struct sockaddr_storage *address, socklen_t *size);

/* Whether it has, or had, a TCP connection: none that is only being attempted. */
bool kernel_was_connected(int fd);

/* Whether nothing more can come from the peer: its FIN has come, a reset, or we have shut down
 * reading. */
bool kernel_hung_up(int fd);

/* Is a connected stream in CLOSE_WAIT, and since when at least (ns before now)? For a
 * close. */
bool kernel_peer_closed(int fd, const struct cw_socket *s, uint64_t *at_least);

/* Everything: state, queues, addresses, inode; `taken` is now. CW_LOOK_GONE if the
 * recorded cookie is not the one behind the number any more. */
void kernel_look(struct books *b, int fd, const struct cw_socket *s,
		 struct cw_look *look);

/* A sockaddr as the trace keeps it; b interns a unix path (NULL: none is kept). */
void kernel_address(struct books *b, const void *sockaddr, uint32_t size,
		    struct cw_addr *to);
