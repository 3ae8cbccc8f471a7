/* SPDX-License-Identifier: MIT */
/* Whether the kernel would start a file in secure mode (AT_SECURE), in which the loader
 * drops LD_PRELOAD: see cap_bprm_creds_from_file() in the kernel. */
#pragma once

#include <sys/types.h>

enum secure_exec {
	SECURE_NO,
	SECURE_SET_UID,      /* `id` is the user it becomes */
	SECURE_SET_GID,      /* `id` is the group */
	SECURE_CAPABILITIES, /* has file capabilities, and we are not root */
};

/* SECURE_NO also for a file that cannot be looked at. */
enum secure_exec secure_exec_of(const char *path, id_t *id);
