/* SPDX-License-Identifier: MIT */
/* Rows of a scan as rows of metrics. */
#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"
#include "complain.h"
#include "prometheus.h"
#include "scan_metrics.h"

_Static_assert(PROC_LIMIT_NONE == UINT64_MAX - 1 && PROC_LIMIT_UNKNOWN == UINT64_MAX,
	       "as prometheus.h has them");

static struct prometheus_process row_of(const struct scan_process *process)
{
	return (struct prometheus_process){
		.pid = process->pid,
		.command = process->name,
		.eof_read = process->eof[SCAN_EOF_READ],
		.eof_unread = process->eof[SCAN_EOF_UNREAD],
		.eof_unknown = process->eof[SCAN_EOF_UNKNOWN],
		.detached = process->detached_count,
		.unread_bytes = process->unread,
		.oldest_ms = process->oldest.at_least,
		.descriptors = process->descriptors,
		.limit = process->limit,
	};
}

int scan_metrics_write(const struct scan *scan, const char *path)
{
	AUTO_FREE struct prometheus_process *rows =
		calloc(scan->count + 1, sizeof(*rows));
	struct prometheus_page page = {
		.processes = rows,
		.process_count = scan->count,
		.scanned = true,
		.hidden_sockets = scan->hidden.sockets + scan->hidden.elsewhere,
		.hidden_processes = scan->hidden.processes,
		.hidden_namespaces = scan->hidden.namespaces,
		.unaccepted = scan->unaccepted,
		.taken = scan->taken,
		.took = scan->took,
	};

	if (!rows) {
		complain_errno(path, ENOMEM);
		return -1;
	}
	for (size_t i = 0; i < scan->count; i++)
		rows[i] = row_of(&scan->processes[i]);
	return prometheus_write(&page, path);
}
