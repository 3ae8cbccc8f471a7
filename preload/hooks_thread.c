/* SPDX-License-Identifier: MIT */
/* Hooks of what makes a second thread. */
#include <sys/single_threaded.h>

#include "hooks.h"
#include "init.h"
#include "sites.h"

static void before_threads(void)
{
	if (!__libc_single_threaded)
		return;
	init_once();
	sites_before_threads();
}

CW_HOOK int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			   void *(*run)(void *), void *argument)
{
	before_threads();
	return real_get()->pthread_create(thread, attributes, run, argument);
}

/* libc's makes its thread inside. */
CW_HOOK int thrd_create(thrd_t *thread, thrd_start_t run, void *argument)
{
	before_threads();
	return real_get()->thrd_create(thread, run, argument);
}
