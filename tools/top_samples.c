/* SPDX-License-Identifier: MIT */
/* What `closewait top` sees, for reports of those that are killed. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler.h"
#include "samples.h"
#include "session_dir.h"
#include "top_looking.h"
#include "trace_find.h"

/* What is seen is written down for who reports later, unless `closewait run` does that. */
void top_samples_begin(struct top *top)
{
	const char *slash = strrchr(top->trace, '/');
	char path[PATH_MAX];

	if (!top->interval)
		return;
	top->session = strndup(top->trace, (size_t)(slash - top->trace));
	if (!top->session)
		return;
	snprintf(path, sizeof(path), "%s/session.json", top->session);
	if (access(path, F_OK) == 0)
		return;
	/* Of an earlier one of us, which is no more. */
	samples_remove(top->session);
	top->sampler = sampler_open(top->session, top->interval);
}

/* A directory with nothing in it but what we wrote is of no use to anybody. */
void top_samples_end(struct top *top)
{
	struct trace_list list;

	if (!top->sampler)
		return;
	sampler_close(top->sampler);
	/* Who goes on will remove its directory at its end, if there is nothing else in it. */
	if (top->table.process_count && !top->over) {
		samples_remove(top->session);
		return;
	}
	if (trace_find_session(&list, top->session) == 0 && !list.count)
		session_remove(top->session);
	trace_list_free(&list);
}
