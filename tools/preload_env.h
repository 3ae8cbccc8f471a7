/* SPDX-License-Identifier: MIT */
/* The environment in which a command is traced. */
#pragma once

struct preload_wish {
	const char *library; /* absolute path of libclosewait.so */
	const char *asan;    /* soname that must come before it, or NULL */
	const char *session; /* absolute path of the session's directory */
	const char *grace;   /* as the user wrote it, or NULL: the library's own */
	const char *slow_close;
	const char *keep; /* a value of the library's option of that name */
};

/* Sets LD_PRELOAD and CLOSEWAIT_OPTIONS of this process; what is in them already stays. Returns
 * 0, or -1 after one line on standard error. */
int preload_env_set(const struct preload_wish *wish);
