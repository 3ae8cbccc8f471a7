/* SPDX-License-Identifier: MIT */
/* Messages on standard error. */
#include <stdio.h>
#include <string.h>

#include "complain.h"

void complain(const char *path, const char *cause)
{
	fflush(stdout);
	fprintf(stderr, "closewait: %s: %s\n", path, cause);
}

void complain_errno(const char *path, int error)
{
	complain(path, strerror(error));
}
