/* SPDX-License-Identifier: MIT */
/* Another library may be loaded where one was: what is known of addresses is looked at again. */
#include "hooks.h"
#include "modules.h"

CW_HOOK int dlclose(void *handle)
{
	int r = real_get()->dlclose(handle);

	if (r == 0)
		modules_unloaded();
	return r;
}
