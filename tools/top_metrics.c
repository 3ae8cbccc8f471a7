/* SPDX-License-Identifier: MIT */
/* Rows of a table as rows of metrics. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cleanup.h"
#include "complain.h"
#include "prometheus.h"
#include "top_metrics.h"

#define NS_PER_MS 1000000u

/* One place, which may have several rows: one for each verdict. */
struct site {
	uint32_t fingerprint;
	char text[9]; /* of the fingerprint */
	struct prometheus_site row;
};

static struct prometheus_process process_of(const struct top_process *process)
{
	return (struct prometheus_process){
		.pid = (pid_t)process->pid,
		.command = process->name,
		.eof_read = process->eof_read,
		.eof_unread = process->eof_unread,
		.detached = process->detached,
		.unread_bytes = process->unread_bytes,
		.oldest_ms = process->oldest / NS_PER_MS,
		.descriptors = process->used,
		.limit = process->limit ? process->limit : UINT64_MAX,
	};
}

static bool in_close_wait(const struct top_row *row)
{
	return row->verdict == VERDICT_EOF_IGNORED ||
	       row->verdict == VERDICT_EOF_UNREAD ||
	       row->verdict == VERDICT_HALF_CLOSED || row->verdict == VERDICT_IDLE_CLIENT;
}

static void add_row(struct site *site, const struct top_row *row)
{
	uint64_t oldest = row->oldest / NS_PER_MS;

	site->row.open += row->count;
	if (!in_close_wait(row))
		return;
	site->row.close_wait += row->count;
	if (oldest > site->row.oldest_ms)
		site->row.oldest_ms = oldest;
}

static struct site *site_of(struct site *sites, size_t *count, const struct top_row *row)
{
	struct site *site = sites;

	while (site < sites + *count && site->fingerprint != row->fingerprint)
		site++;
	if (site < sites + *count)
		return site;
	*site = (struct site){
		.fingerprint = row->fingerprint,
		.row = {.place = row->place,
			.opened = row->opened,
			.closed = row->closed},
	};
	snprintf(site->text, sizeof(site->text), "%08x", row->fingerprint);
	++*count;
	return site;
}

static uint64_t real_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
}

int top_metrics_write(const struct top_table *table, const char *path)
{
	AUTO_FREE struct prometheus_process *processes =
		calloc(table->process_count + 1, sizeof(*processes));
	AUTO_FREE struct site *sites = calloc(table->row_count + 1, sizeof(*sites));
	AUTO_FREE struct prometheus_site *rows =
		calloc(table->row_count + 1, sizeof(*rows));
	struct prometheus_page page = {
		.processes = processes,
		.process_count = table->process_count,
		.sites = rows,
		.taken = real_ns(),
		.took = table->took,
	};

	if (!processes || !sites || !rows) {
		complain_errno(path, ENOMEM);
		return -1;
	}
	for (size_t i = 0; i < table->process_count; i++)
		processes[i] = process_of(&table->processes[i]);
	for (size_t i = 0; i < table->row_count; i++)
		add_row(site_of(sites, &page.site_count, &table->rows[i]),
			&table->rows[i]);
	for (size_t i = 0; i < page.site_count; i++) {
		rows[i] = sites[i].row;
		rows[i].fingerprint = sites[i].text;
	}
	return prometheus_write(&page, path);
}
