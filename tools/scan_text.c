/* SPDX-License-Identifier: MIT */
/* A scan's headline, its processes, what was not seen, and what to do next. */
#include <netinet/tcp.h>
#include <unistd.h>

#include "scan_states.h"
#include "scan_text.h"
#include "trace/text.h"

#define PROCESSES     20u
#define COMMAND_BYTES 100u

static void put_processes(uint64_t count, const struct text_sink *sink)
{
	text_unsigned(sink, count);
	text_put(sink, count == 1 ? " process" : " processes");
}

/* Those without a socket in the state hold detached ones. */
static uint64_t holders(const struct scan *scan)
{
	uint64_t count = 0;

	while (count < scan->count && scan->processes[count].count)
		count++;
	return count;
}

static void put_head(const struct scan *scan, const struct text_sink *sink)
{
	text_put(sink,
		 scan->sockets ? "closewait: scan: " : "closewait: scan: no socket");
	if (scan->sockets)
		text_count(sink, scan->sockets, "socket");
	text_put(sink, " in ");
	scan_states_put(sink, scan->request.states);
	if (scan->sockets) {
		text_put(sink, ", ");
		put_processes(holders(scan), sink);
	}
	text_put(sink, ".  Looked at ");
	put_processes(scan->looked_at, sink);
	text_put(sink, ", ");
	text_count(sink, scan->namespaces, "network namespace");
	text_put(sink, ".\n");
}

static void put_hidden(const struct scan *scan, const struct text_sink *sink)
{
	if (scan->hidden.sockets) {
		text_put(sink, "hidden: ");
		text_count(sink, scan->hidden.sockets, "socket");
		text_put(sink, " in ");
		scan_states_put(sink, scan->request.states);
		text_put(sink, " of no process that may be looked at\n");
	}
	if (scan->hidden.elsewhere) {
		text_put(sink, "hidden: ");
		text_count(sink, scan->hidden.elsewhere, "socket");
		text_put(sink, " in ");
		scan_states_put(sink, scan->request.states);
		text_put(sink, " in a network namespace that could not be asked\n");
	}
	if (scan->hidden.processes) {
		text_put(sink, "hidden: the descriptors of ");
		put_processes(scan->hidden.processes, sink);
		text_put(sink, " (CAP_SYS_PTRACE is needed)\n");
	}
	if (scan->hidden.namespaces) {
		text_put(sink, "hidden: ");
		text_count(sink, scan->hidden.namespaces, "network namespace");
		text_put(sink, " (CAP_SYS_ADMIN is needed)\n");
	}
}

static void put_others(const struct scan *scan, const struct text_sink *sink)
{
	if (scan->hidden.unaccepted) {
		text_put(sink, "note: ");
		text_count(sink, scan->hidden.unaccepted, "connection");
		text_put(sink, " in ");
		scan_states_put(sink, scan->request.states);
		text_put(sink, " that no accept() has taken: whose, cannot be told\n");
	}
	if (scan->young) {
		text_put(sink, "note: ");
		text_count(sink, scan->young, "socket");
		text_put(sink, " left out: younger than --min-age\n");
	}
	if (scan->changed) {
		text_put(sink, "note: ");
		put_processes(scan->changed, sink);
		text_put(sink, " ended while looked at\n");
	}
}

static void put_next(const struct scan *scan, const struct text_sink *sink)
{
	const struct scan_process *first = scan->count ? scan->processes : NULL;

	if (!(scan->request.states & 1u << TCP_CLOSE_WAIT))
		return;
	if (!first || !first->count) {
		if (scan->hidden.sockets && geteuid() != 0)
			text_put(sink, "next: run closewait scan as root\n");
		return;
	}
	text_put(sink, "next: ");
	if (first->traced) {
		text_put(sink, "closewait report ");
		text_signed(sink, first->pid);
		text_put(sink, " names the code: it runs with the library\n");
		return;
	}
	text_put(sink, "which code does it, tells a restart under closewait run -- ");
	text_foreign(sink, first->command, COMMAND_BYTES);
	text_put(sink, "\n");
}

void scan_text_put(const struct scan *scan, bool all, const struct text_sink *sink)
{
	size_t shown = all || scan->count < PROCESSES ? scan->count : PROCESSES;

	put_head(scan, sink);
	if (shown)
		text_put(sink, "\n");
	for (size_t i = 0; i < shown; i++)
		scan_text_process(scan, &scan->processes[i], all, sink);
	if (shown < scan->count) {
		text_put(sink, "and ");
		put_processes(scan->count - shown, sink);
		text_put(sink, " more          (all: closewait scan --all)\n\n");
	}
	put_hidden(scan, sink);
	put_others(scan, sink);
	put_next(scan, sink);
}
