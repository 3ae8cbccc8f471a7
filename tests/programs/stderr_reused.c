/* SPDX-License-Identifier: MIT */
/*
 * Closes descriptor 2, as daemons do; the next client's connection gets the number. It is
 * leaked after its EOF: not one byte of the report may go there.
 *
 * Usage: stderr_reused HOLD_MS
 */
#include "../../examples/listen.h"
#include "loopback.h"

int main(int argc, char **argv)
{
	int listener = listen_on(0);
	char byte;

	close(2);
	must(accept(listener, NULL, NULL) == 2, "another number");
	must(recv(2, &byte, 1, 0) == 0, "EOF");
	hold(argument(argc, argv, 1, 0));
	return 0;
}
