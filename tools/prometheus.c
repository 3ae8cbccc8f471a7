/* SPDX-License-Identifier: MIT */
/* One family of metrics after the other: node_exporter refuses a family that comes in parts. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "prometheus.h"
#include "replace_file.h"
#include "trace/text.h"

#define LABEL_BYTES 200u /* of a value, before it is escaped */
#define LIMIT_NONE  (UINT64_MAX - 1)

/* Type is "gauge" or "counter". */
static void put_family(FILE *file, const char *name, const char *type, const char *help)
{
	fprintf(file, "# HELP closewait_%s %s\n# TYPE closewait_%s %s\n", name, help,
		name, type);
}

/* A value stands in quotes: those, the backslash and the newline are escaped. The newline has
 * become '?' already. */
static void put_label(FILE *file, const char *name, const char *value)
{
	char clean[LABEL_BYTES + 1];
	struct text_buffer buffer;
	struct text_sink sink;

	text_buffer_init(&buffer, clean, sizeof(clean));
	sink = text_buffer_sink(&buffer);
	text_foreign(&sink, value ? value : "", LABEL_BYTES);
	fprintf(file, "%s=\"", name);
	for (const char *c = clean; *c; c++) {
		if (*c == '"' || *c == '\\')
			putc('\\', file);
		putc(*c, file);
	}
	putc('"', file);
}

/* Milliseconds as seconds, without a locale's comma. */
static void put_seconds(FILE *file, uint64_t ms)
{
	fprintf(file, "%" PRIu64 ".%03u\n", ms / 1000, (unsigned)(ms % 1000));
}

static void put_single(FILE *file, const char *name, const char *help, uint64_t value)
{
	put_family(file, name, "gauge", help);
	fprintf(file, "closewait_%s %" PRIu64 "\n", name, value);
}

/* The label of a process; pid 0: those that have no series of their own. */
static void put_process(FILE *file, const char *name, const char *eof,
			const struct prometheus_process *process)
{
	fprintf(file, "closewait_%s{", name);
	put_label(file, "command", process->command);
	if (process->pid)
		fprintf(file, ",pid=\"%d\"", process->pid);
	else
		fputs(",pid=\"\"", file);
	if (eof)
		fprintf(file, ",eof=\"%s\"", eof);
	fputs("} ", file);
}

static struct prometheus_process sum_of_others(const struct prometheus_page *page)
{
	struct prometheus_process sum = {.command = "other", .limit = UINT64_MAX};

	for (size_t i = PROMETHEUS_PROCESSES; i < page->process_count; i++) {
		const struct prometheus_process *process = &page->processes[i];

		sum.eof_read += process->eof_read;
		sum.eof_unread += process->eof_unread;
		sum.eof_unknown += process->eof_unknown;
		sum.detached += process->detached;
		sum.unread_bytes += process->unread_bytes;
		sum.descriptors += process->descriptors;
		if (process->oldest_ms > sum.oldest_ms)
			sum.oldest_ms = process->oldest_ms;
	}
	return sum;
}

typedef void put_rows(FILE *file, const struct prometheus_process *process);

static void put_sockets(FILE *file, const struct prometheus_process *process)
{
	put_process(file, "sockets", "read", process);
	fprintf(file, "%" PRIu64 "\n", process->eof_read);
	put_process(file, "sockets", "unread", process);
	fprintf(file, "%" PRIu64 "\n", process->eof_unread);
	put_process(file, "sockets", "unknown", process);
	fprintf(file, "%" PRIu64 "\n", process->eof_unknown);
}

static void put_detached(FILE *file, const struct prometheus_process *process)
{
	put_process(file, "detached_sockets", NULL, process);
	fprintf(file, "%" PRIu64 "\n", process->detached);
}

static void put_unread(FILE *file, const struct prometheus_process *process)
{
	put_process(file, "unread_bytes", NULL, process);
	fprintf(file, "%" PRIu64 "\n", process->unread_bytes);
}

static void put_oldest(FILE *file, const struct prometheus_process *process)
{
	put_process(file, "oldest_age_seconds", NULL, process);
	put_seconds(file, process->oldest_ms);
}

static void put_descriptors(FILE *file, const struct prometheus_process *process)
{
	put_process(file, "open_fds", NULL, process);
	fprintf(file, "%" PRIu64 "\n", process->descriptors);
}

static void put_limit(FILE *file, const struct prometheus_process *process)
{
	if (process->limit == UINT64_MAX)
		return;
	put_process(file, "max_fds", NULL, process);
	if (process->limit == LIMIT_NONE)
		fputs("+Inf\n", file);
	else
		fprintf(file, "%" PRIu64 "\n", process->limit);
}

struct process_family {
	const char *name;
	const char *help;
	put_rows *put;
};

static const struct process_family process_families[] = {
	{"sockets",
	 "Sockets in CLOSE_WAIT, or in the states that --state names, by whether the peer's "
	 "EOF waits unread (certain), or was read or taken together with the last data.",
	 put_sockets},
	{"detached_sockets",
	 "Held sockets of connections that are over, reset or shut down by both sides.",
	 put_detached},
	{"unread_bytes", "Bytes that wait unread in these sockets.", put_unread},
	{"oldest_age_seconds",
	 "How long ago the peer of the oldest of these sockets closed, at least.",
	 put_oldest},
	{"open_fds", "Descriptors that the process has open.", put_descriptors},
	{"max_fds", "The soft limit of the process on descriptors.", put_limit},
};

static void put_processes(FILE *file, const struct prometheus_page *page)
{
	size_t shown = page->process_count < PROMETHEUS_PROCESSES ? page->process_count
								  : PROMETHEUS_PROCESSES;
	const struct prometheus_process others = sum_of_others(page);

	for (size_t f = 0; f < sizeof(process_families) / sizeof(*process_families);
	     f++) {
		const struct process_family *family = &process_families[f];

		put_family(file, family->name, "gauge", family->help);
		for (size_t i = 0; i < shown; i++)
			family->put(file, &page->processes[i]);
		if (shown < page->process_count)
			family->put(file, &others);
	}
}

enum site_value {
	SITE_CLOSE_WAIT,
	SITE_OPEN,
	SITE_OLDEST,
	SITE_OPENED,
	SITE_CLOSED,
	SITE_VALUES,
};

static const struct {
	const char *name;
	const char *type;
	const char *help;
} site_families[SITE_VALUES] = {
	[SITE_CLOSE_WAIT] = {"site_sockets", "gauge",
			     "Sockets in CLOSE_WAIT that were opened at this place."},
	[SITE_OPEN] = {"site_open_sockets", "gauge",
		       "Sockets that were opened at this place and still are open."},
	[SITE_OLDEST] = {"site_oldest_age_seconds", "gauge",
			 "How long ago the peer of the oldest of them closed, at least."},
	[SITE_OPENED] = {"site_opened_sockets_total", "counter",
			 "Sockets that were opened at this place."},
	[SITE_CLOSED] = {"site_closed_sockets_total", "counter",
			 "Sockets of this place that were closed."},
};

static void put_site(FILE *file, enum site_value value,
		     const struct prometheus_site *site)
{
	const uint64_t counts[SITE_VALUES] = {
		[SITE_CLOSE_WAIT] = site->close_wait,
		[SITE_OPEN] = site->open,
		[SITE_OPENED] = site->opened,
		[SITE_CLOSED] = site->closed,
	};

	fprintf(file, "closewait_%s{", site_families[value].name);
	put_label(file, "fingerprint", site->fingerprint);
	putc(',', file);
	put_label(file, "place", site->place);
	fputs("} ", file);
	if (value == SITE_OLDEST)
		put_seconds(file, site->oldest_ms);
	else
		fprintf(file, "%" PRIu64 "\n", counts[value]);
}

static struct prometheus_site sum_of_other_sites(const struct prometheus_page *page)
{
	struct prometheus_site sum = {.fingerprint = "", .place = "other"};

	for (size_t i = PROMETHEUS_SITES; i < page->site_count; i++) {
		const struct prometheus_site *site = &page->sites[i];

		sum.close_wait += site->close_wait;
		sum.open += site->open;
		sum.opened += site->opened;
		sum.closed += site->closed;
		if (site->oldest_ms > sum.oldest_ms)
			sum.oldest_ms = site->oldest_ms;
	}
	return sum;
}

static void put_sites(FILE *file, const struct prometheus_page *page)
{
	size_t shown =
		page->site_count < PROMETHEUS_SITES ? page->site_count : PROMETHEUS_SITES;
	const struct prometheus_site others = sum_of_other_sites(page);

	for (unsigned value = 0; value < SITE_VALUES; value++) {
		put_family(file, site_families[value].name, site_families[value].type,
			   site_families[value].help);
		for (size_t i = 0; i < shown; i++)
			put_site(file, (enum site_value)value, &page->sites[i]);
		if (shown < page->site_count)
			put_site(file, (enum site_value)value, &others);
	}
}

static void put_scan(FILE *file, const struct prometheus_page *page)
{
	put_single(file, "hidden_sockets",
		   "Sockets in these states that no process that may be looked at holds.",
		   page->hidden_sockets);
	put_single(file, "hidden_processes",
		   "Processes whose descriptors could not be read.",
		   page->hidden_processes);
	put_single(file, "hidden_namespaces",
		   "Network namespaces that could not be asked.",
		   page->hidden_namespaces);
	put_single(file, "unaccepted_connections",
		   "Connections in these states that no accept() has taken.",
		   page->unaccepted);
}

int prometheus_put(const struct prometheus_page *page, FILE *file)
{
	errno = 0;
	if (page->processes || page->scanned)
		put_processes(file, page);
	if (page->sites)
		put_sites(file, page);
	if (page->scanned)
		put_scan(file, page);
	put_family(file, "scan_timestamp_seconds", "gauge", "When this was true.");
	fputs("closewait_scan_timestamp_seconds ", file);
	put_seconds(file, page->taken / 1000000);
	put_family(file, "scan_duration_seconds", "gauge", "How long the look took.");
	fputs("closewait_scan_duration_seconds ", file);
	put_seconds(file, page->took / 1000000);
	return ferror(file) ? (errno ? errno : EIO) : 0;
}

static int put(void *context, FILE *file)
{
	return prometheus_put(context, file);
}

int prometheus_write(const struct prometheus_page *page, const char *path)
{
	return replace_file(path, true, put, (void *)page);
}
