/* SPDX-License-Identifier: MIT */
/* Opens a connection, closes it, says so and waits. Usage: hello HOLD_MS */
#include "descriptors.h"
#include "loopback.h"

int main(int argc, char **argv)
{
	struct pair pair = pair_open();

	must(!close(pair.client) && !close(pair.server), "close");
	printf("hello\n");
	descriptors_print();
	hold(argc > 1 ? atoi(argv[1]) : 0);
	return 3;
}
