/* SPDX-License-Identifier: MIT */
/*
 * Loads one library, leaks a connection in it, and puts another in its place, where the same
 * return addresses mean other code.
 *
 * Usage: swap_host HOLD_MS FIRST SECOND
 */
#include <dlfcn.h>

#include "loopback.h"

static void *use(const char *path, const char *name, int times)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	struct pair (*open_pair)(void);

	must(library != NULL, "dlopen");
	*(void **)&open_pair = dlsym(library, name);
	must(open_pair != NULL, "dlsym");
	while (times--)
		open_pair();
	must(!dlclose(library), "dlclose");
	return *(void **)&open_pair;
}

int main(int argc, char **argv)
{
	void *first, *second;

	if (argc < 4)
		return 2;
	first = use(argv[2], "open_in_the_first", 2);
	second = use(argv[3], "open_in_the_other", 3);
	printf("the other %s\n", first == second ? "took its place" : "lies elsewhere");
	hold(atoi(argv[1]));
	return 0;
}
