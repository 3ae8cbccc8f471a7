/* SPDX-License-Identifier: MIT */
/* One of two libraries that are alike to the byte but for the name of what they export: built
 * twice, with OPEN being that name. */
#include "loopback.h"

struct pair OPEN(void);

/* Leaks a connection whose EOF it has read. */
__attribute__((noinline)) struct pair OPEN(void) {
	struct pair pair = pair_open();
	char byte;

	must(!close(pair.client), "close");
	must(recv(pair.server, &byte, 1, 0) == 0, "EOF");
	must(!close(pair.listener), "close");
	return pair;
}
