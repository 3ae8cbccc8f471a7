/* SPDX-License-Identifier: MIT */
/* The hook of prctl(), for seccomp. */
#include <linux/seccomp.h>
#include <stdarg.h>

#include "hooks.h"
#include "sandbox.h"

CW_HOOK int prctl(int option, ...)
{
	va_list ap;
	unsigned long a[4];
	bool matters;
	int r;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	matters = option == PR_SET_SECCOMP && sandbox_matters();
	r = real_get()->prctl(option, a[0], a[1], a[2], a[3]);
	if (matters && r == 0 && a[0] == SECCOMP_MODE_STRICT)
		sandbox_strict();
	else if (matters && r == 0)
		sandbox_filtered((const void *)a[1]);
	return r;
}
