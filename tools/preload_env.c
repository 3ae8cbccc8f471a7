/* SPDX-License-Identifier: MIT */
/* Adding to LD_PRELOAD and CLOSEWAIT_OPTIONS. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "complain.h"
#include "preload_env.h"

static int no_memory(void)
{
	complain("run", "no memory");
	return -1;
}

/* Ours first, so that what the program calls is us: its own frames are the callers then. */
static int set_preload(const struct preload_wish *wish)
{
	const char *given = getenv("LD_PRELOAD");
	AUTO_FREE char *value = NULL;

	if (strpbrk(wish->library, ": \t\n")) {
		complain(wish->library,
			 "the loader takes no path with a blank or a colon "
			 "in LD_PRELOAD: install it elsewhere");
		return -1;
	}
	if (asprintf(&value, "%s%s%s%s%s", wish->asan ? wish->asan : "",
		     wish->asan ? ":" : "", wish->library, given && *given ? ":" : "",
		     given ? given : "") < 0)
		return no_memory();
	return setenv("LD_PRELOAD", value, 1) < 0 ? no_memory() : 0;
}

static int set_options(const struct preload_wish *wish)
{
	const char *given = getenv("CLOSEWAIT_OPTIONS");
	char quote = strchr(wish->session, '\'') ? '"' : '\'';
	AUTO_FREE char *value = NULL;

	if (strchr(wish->session, quote)) {
		complain(wish->session, "a path with both kinds of quotes cannot be told "
					"to the library: choose another --dir");
		return -1;
	}
	if (asprintf(&value, "%s%ssession=%c%s%c:keep=%s%s%s%s%s", given ? given : "",
		     given && *given ? ":" : "", quote, wish->session, quote, wish->keep,
		     wish->grace ? ":grace=" : "", wish->grace ? wish->grace : "",
		     wish->slow_close ? ":slow_close=" : "",
		     wish->slow_close ? wish->slow_close : "") < 0)
		return no_memory();
	return setenv("CLOSEWAIT_OPTIONS", value, 1) < 0 ? no_memory() : 0;
}

int preload_env_set(const struct preload_wish *wish)
{
	return set_preload(wish) < 0 || set_options(wish) < 0 ? -1 : 0;
}
