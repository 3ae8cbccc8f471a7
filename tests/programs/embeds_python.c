// SPDX-License-Identifier: MIT
/* Opens a libpython late, and runs a script in it. Then it ends the interpreter, unloads the library,
 * says whether it is gone, and uses sockets once more.
 *
 * Usage: embeds_python LIBPYTHON SCRIPT PREFIX */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "loopback.h"

static void *found(void *library, const char *name)
{
	void *at = dlsym(library, name);

	if (!at) {
		fprintf(stderr, "%s: %s\n", name, dlerror());
		exit(1);
	}
	return at;
}

int main(int argc, char **argv)
{
	void *library;
	void (*initialize)(void);
	void (*finalize)(void);
	struct pair pair;
	int (*run)(const char *);
	FILE *script;
	static char text[65536];

	if (argc < 4)
		return 2;
	setenv("PYTHONHOME", argv[3], 1);
	library = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
	script = fopen(argv[2], "r");
	if (!library || !script || !fread(text, 1, sizeof(text) - 1, script)) {
		fprintf(stderr, "%s\n", library ? argv[2] : dlerror());
		return 1;
	}
	*(void **)&initialize = found(library, "Py_Initialize");
	*(void **)&run = found(library, "PyRun_SimpleString");
	*(void **)&finalize = found(library, "Py_Finalize");
	initialize();
	if (run(text))
		return 1;
	finalize();
	dlclose(library);
	library = dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD);
	printf("%s\n", library ? "stays" : "unloaded");
	fflush(stdout);
	pair = pair_open();
	must(!close(pair.client), "close");
	await_readable(pair.server);
	must(read(pair.server, text, 1) == 0, "read");
	hold(20);
	return 0;
}
