/* SPDX-License-Identifier: MIT */
/*
 * What epoll_wait()'s events are about.
 *
 * An event carries no descriptor, only the data that epoll_ctl() was given with one: a number, a
 * pointer, anything. So what each socket was registered with is kept here, by instance of epoll
 * and descriptor, and found again by instance and data. A socket is known by its cookie: a number
 * that was closed and is another's by now leads nowhere, and a fork child finds its own record of
 * a socket that its parent registered. Nothing is done when a socket is closed: what is stale is
 * told by that, and its room is used again.
 *
 * Lock-free, safe in signal handlers and fork children; nothing happens in a vfork child. The
 * memory is one mapping of the process's own, made at the first registration of a socket and of
 * fixed size; what finds no room in it is counted (CW_LOST_WATCHES). Each function is errno-neutral
 * and makes no system call, but for the first registration and for watches_told().
 */
#pragma once

#include <stdint.h>

#include "books.h"

/* The instance has fd registered with that data from now on; `entry` is fd's before the call that
 * did it. Another thread may have had an event by then: it is not found. */
void watches_set(int epoll, int fd, uint64_t entry, uint64_t data);
void watches_drop(int epoll, int fd);

/* epoll_create() made the instance that has this number from now on. */
void watches_begin(int epoll);

/* An event of epoll_wait() says that a peer has left. `events`: EPOLLRDHUP, EPOLLHUP,
 * EPOLLERR. Told to the lifecycle of the socket that it is about, if that can be found. */
void watches_told(int epoll, uint64_t data, uint32_t events);
