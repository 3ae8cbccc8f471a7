/* SPDX-License-Identifier: MIT */
/*
 * Holds its connection under a high number, as servers do whose RLIMIT_NOFILE is a million
 * and more; reads EOF by it and keeps it, or closes it.
 *
 * Usage: high_numbers HOLD_MS NUMBER leak|close
 */
#include <errno.h>

#include "loopback.h"

int main(int argc, char **argv)
{
	struct pair pair;
	int high;
	char byte;

	if (argc < 4)
		return 2;
	pair = pair_open();
	high = dup2(pair.server, atoi(argv[2]));
	if (high < 0) {
		printf("dup2: %s\n", strerror(errno));
		return 77;
	}
	must(!close(pair.server), "close");
	must(!close(pair.client), "close");
	must(recv(high, &byte, 1, 0) == 0, "EOF");
	if (!strcmp(argv[3], "close"))
		must(!close(high), "close");
	printf("read EOF by %d\n", high);
	hold(atoi(argv[1]));
	return 0;
}
