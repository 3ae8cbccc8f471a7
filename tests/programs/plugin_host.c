/* SPDX-License-Identifier: MIT */
/*
 * A C program, without libstdc++ of its own, that loads a C++ plugin. With "capture" it
 * has accepted a connection before, so that the tracer has captured its first stack.
 *
 * Usage: plugin_host PLUGIN capture|-
 */
#include <dlfcn.h>

#include "loopback.h"

static void accept_one(void)
{
	struct pair pair = pair_open();

	close(pair.client);
	close(pair.server);
	close(pair.listener);
}

int main(int argc, char **argv)
{
	int (*run)(int);
	void *plugin;

	if (argc < 3)
		return 2;
	if (!strcmp(argv[2], "capture"))
		accept_one();
	plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	must(plugin != NULL, "dlopen");
	*(void **)&run = dlsym(plugin, "plugin_run");
	must(run != NULL, "dlsym");
	printf("unwound %d\n", run(100));
	return 0;
}
