// SPDX-License-Identifier: MIT
/* Exports what an interpreter does, of the version that it is told, and leaks a connection.
 *
 * Usage: fake_python VERSION */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "loopback.h"

const char *Py_GetVersion(void);
void *PyGILState_GetThisThreadState(void);
int Py_IsInitialized(void);
int Py_IsFinalizing(void);

static const char *version = "";

/* Of the shape that the library looks at; nothing in them is what it should be. */
uintptr_t PyCode_Type[64], PyUnicode_Type[64], PyBytes_Type[64], PyFrame_Type[64];
uintptr_t _PyRuntime[512];

const char *Py_GetVersion(void)
{
	return version;
}

void *PyGILState_GetThisThreadState(void)
{
	return (void *)1;
}

int Py_IsInitialized(void)
{
	return 1;
}

int Py_IsFinalizing(void)
{
	return 0;
}

int main(int argc, char **argv)
{
	struct pair pair;
	char byte;

	if (argc > 1)
		version = argv[1];
	pair = pair_open();
	must(!close(pair.client), "close");
	await_readable(pair.server);
	must(read(pair.server, &byte, 1) == 0, "read");
	hold(50);
	return 0;
}
