// SPDX-License-Identifier: MIT
/* Opens a libpython late, and runs a script in it.
 *
 * Usage: embeds_python LIBPYTHON SCRIPT PREFIX */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

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
	initialize();
	return run(text);
}
