/* SPDX-License-Identifier: MIT */
/* Whether this process has one thread. */
#include <sys/single_threaded.h>

#include "rmw.h"

const char *rmw_alone_at = &__libc_single_threaded;

void rmw_not_alone(void)
{
	static const char no;

	rmw_alone_at = &no;
}
