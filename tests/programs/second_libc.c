/* SPDX-License-Identifier: MIT */
/*
 * A plugin in a namespace of its own (dlmopen) has a libc of its own. A thread that this one makes opens and
 * closes pairs of sockets while the main thread does; the first libc still says that there is one thread.
 * One more connection is leaked whose EOF was read.
 *
 * Usage: second_libc PLUGIN COUNT: pairs that each of them opens.
 */
#include <dlfcn.h>
#include <stdatomic.h>
#include <sys/single_threaded.h>
#include <sys/socket.h>

#include "loopback.h"

static long count;
static _Atomic int begun;

static void open_and_close(void)
{
	int pair[2];

	for (long i = 0; i < count; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || close(pair[0]) ||
		    close(pair[1]))
			_exit(3);
	}
}

static void *run(void *unused)
{
	begun = 1;
	open_and_close();
	return unused;
}

int main(int argc, char **argv)
{
	struct pair leaked;
	int (*begin)(void *(*)(void *));
	int (*end)(void);
	void *plugin;
	char byte;

	if (argc < 3)
		return 2;
	count = atol(argv[2]);
	plugin = dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW);
	must(plugin != NULL, "dlmopen");
	*(void **)&begin = dlsym(plugin, "begin");
	*(void **)&end = dlsym(plugin, "end");
	leaked = pair_open();
	close(leaked.client);
	must(recv(leaked.server, &byte, 1, 0) == 0, "EOF");
	must(begin && end && !begin(run), "a thread");
	while (!begun)
		;
	open_and_close();
	must(!end(), "its end");
	must(__libc_single_threaded, "libc has not been told");
	hold(60);
	return 0;
}
