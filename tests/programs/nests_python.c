// SPDX-License-Identifier: MIT
/* Runs a script in one libpython, which may call run_inner() to run another in a second one.
 *
 * Usage: nests_python LIBPYTHON SCRIPT PREFIX LIBPYTHON SCRIPT PREFIX   The outer one comes first. */
#include "libpython.h"

void run_inner(void);

static struct libpython inner;
static const char *inner_script;

__attribute__((visibility("default"))) void run_inner(void)
{
	libpython_run(&inner, inner_script);
}

int main(int argc, char **argv)
{
	struct libpython outer;

	if (argc < 7)
		return 2;
	inner_script = argv[5];
	/* The one that keeps its symbols to itself must not find the other's. */
	inner = libpython_open(argv[4], argv[6], RTLD_LOCAL);
	outer = libpython_open(argv[1], argv[3], RTLD_GLOBAL);
	libpython_run(&outer, argv[2]);
	return 0;
}
