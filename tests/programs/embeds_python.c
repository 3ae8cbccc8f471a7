// SPDX-License-Identifier: MIT
/* Opens a libpython late, and runs a script in it. Then it ends the interpreter, unloads the library,
 * says whether it is gone, and uses sockets once more.
 *
 * Usage: embeds_python LIBPYTHON SCRIPT PREFIX global|local|again
 * The library's symbols are for all to see or not; `again` begins a second interpreter after the
 * first one's end, and runs the script in that, too. */
#include "libpython.h"
#include "loopback.h"

int main(int argc, char **argv)
{
	struct libpython python;
	struct pair pair;

	if (argc < 5)
		return 2;
	python = libpython_open(argv[1], argv[3],
				strcmp(argv[4], "local") ? RTLD_GLOBAL : RTLD_LOCAL);
	libpython_run(&python, argv[2]);
	python.finalize();
	if (!strcmp(argv[4], "again")) {
		libpython_run(&python, argv[2]);
		python.finalize();
	}
	dlclose(python.library);
	python.library = dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD);
	printf("%s\n", python.library ? "stays" : "unloaded");
	fflush(stdout);
	pair = pair_open();
	must(!close(pair.client), "close");
	await_readable(pair.server);
	must(read(pair.server, argv[4], 1) == 0, "read");
	hold(20);
	return 0;
}
