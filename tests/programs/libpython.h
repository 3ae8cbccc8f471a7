/* SPDX-License-Identifier: MIT */
/* A libpython that is opened at run time. */
#pragma once

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

struct libpython {
	void *library;
	const char *prefix;
	void (*initialize)(void);
	int (*run)(const char *);
	void (*finalize)(void);
};

static void *libpython_symbol(void *library, const char *name)
{
	void *at = dlsym(library, name);

	if (!at) {
		fprintf(stderr, "%s: %s\n", name, dlerror());
		exit(1);
	}
	return at;
}

/* `flags` of dlopen. */
static inline struct libpython libpython_open(const char *path, const char *prefix,
					      int flags)
{
	struct libpython p = {.library = dlopen(path, RTLD_NOW | flags),
			      .prefix = prefix};

	if (!p.library) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	*(void **)&p.initialize = libpython_symbol(p.library, "Py_Initialize");
	*(void **)&p.run = libpython_symbol(p.library, "PyRun_SimpleString");
	*(void **)&p.finalize = libpython_symbol(p.library, "Py_Finalize");
	return p;
}

/* Begins an interpreter, and runs a script in it. */
static inline void libpython_run(const struct libpython *p, const char *script)
{
	static char text[65536];
	FILE *f = fopen(script, "r");
	size_t size = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (!size) {
		fprintf(stderr, "%s: cannot be read\n", script);
		exit(1);
	}
	text[size] = '\0';
	fclose(f);
	setenv("PYTHONHOME", p->prefix, 1);
	p->initialize();
	if (p->run(text))
		exit(1);
}
