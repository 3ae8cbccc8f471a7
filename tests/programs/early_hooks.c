/* SPDX-License-Identifier: MIT */
/*
 * A library whose constructor uses sockets, possibly before any other constructor has
 * run: it leaks one connection whose EOF it has read, and closes another.
 */
#include "loopback.h"

static __attribute__((noinline)) void leak_early(void)
{
	struct pair pair = pair_open();
	char byte;

	must(!close(pair.client), "close");
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
	must(!close(pair.listener), "close");
}

__attribute__((constructor)) static void construct(void)
{
	struct pair pair = pair_open();

	leak_early();
	must(!close(pair.client) && !close(pair.server) && !close(pair.listener), "close");
}
