/* SPDX-License-Identifier: MIT */
/* One connection after the other: accept, recv to EOF, close. */
#include "listener.h"

static __attribute__((noinline)) void serve(int listener)
{
	int fd = accept(listener, NULL, NULL);

	must(fd >= 0, "accept");
	read_to_eof(fd);
	must(!close(fd), "close");
}

int main(void)
{
	int listener = listen_and_tell();

	for (;;)
		serve(listener);
}
