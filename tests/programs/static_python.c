// SPDX-License-Identifier: MIT
/* Runs a script in an interpreter that is linked in, from an archive: the program exports nothing of it.
 *
 * Usage: static_python SCRIPT */
#include <stdio.h>

void Py_Initialize(void);
int PyRun_SimpleString(const char *text);

int main(int argc, char **argv)
{
	static char text[65536];
	FILE *f = argc > 1 ? fopen(argv[1], "r") : NULL;

	if (!f || !fread(text, 1, sizeof(text) - 1, f))
		return 2;
	Py_Initialize();
	return PyRun_SimpleString(text) ? 1 : 0;
}
