/* SPDX-License-Identifier: MIT */
/* What a scan has to say of one process. */
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "cleanup.h"
#include "scan_addresses.h"
#include "scan_states.h"
#include "scan_text.h"
#include "trace/text.h"

#define EXAMPLES      3u /* sockets, descriptors without a connection */
#define GROUPS        4u /* addresses in a line */
#define COMMAND_BYTES 200u
#define NS_PER_MS     1000000ull

static void put_label(const struct text_sink *sink, const char *label)
{
	text_put(sink, "  ");
	text_padded(sink, label, 12);
}

static void put_head(const struct scan *scan, const struct scan_process *process,
		     const struct text_sink *sink)
{
	text_put(sink, "pid ");
	text_signed(sink, process->pid);
	text_put(sink, "  ");
	text_foreign(sink, process->command, COMMAND_BYTES);
	text_put(sink, ": ");
	text_count(sink, process->count, "socket");
	text_put(sink, " in ");
	scan_states_put(sink, scan->request.states);
	if (process->count && process->oldest.at_most != UINT32_MAX) {
		text_put(sink, ", the oldest at least ");
		text_duration(sink, process->oldest.at_least * NS_PER_MS);
		text_put(sink, ", at most ");
		text_duration(sink, process->oldest.at_most * NS_PER_MS);
	}
	text_put(sink, "\n\n");
}

static void put_eof(const struct scan_process *process, const struct text_sink *sink)
{
	uint64_t unread = process->eof[SCAN_EOF_UNREAD];
	uint64_t read = process->eof[SCAN_EOF_READ];

	if (unread) {
		put_label(sink, "eof-unread");
		text_unsigned(sink, unread);
		text_put(sink, ": the peer's FIN still is in the receive queue; no call "
			       "has returned 0\n");
	}
	if (read) {
		put_label(sink, "eof-read");
		text_unsigned(sink, read);
		text_put(sink, ": EOF was read, or taken together with the last data\n");
	}
	if (process->unread) {
		put_label(sink, "unread");
		text_size(sink, process->unread);
		text_put(sink, "\n");
	}
}

static void put_addresses(const struct scan_process *process, enum address_side side,
			  bool all, const struct text_sink *sink)
{
	AUTO_FREE struct address_group *groups = NULL;
	size_t count = scan_addresses(process, side, true, &groups);
	size_t shown;

	if (count > GROUPS) {
		free(groups);
		count = scan_addresses(process, side, false, &groups);
	}
	if (!count)
		return;
	shown = all || count < GROUPS ? count : GROUPS;
	put_label(sink, side == ADDRESS_PEER ? "peers" : "local");
	for (size_t i = 0; i < shown; i++) {
		text_put(sink, i ? ", " : "");
		scan_address_put(sink, &groups[i].address);
		text_put(sink, " (");
		text_unsigned(sink, groups[i].count);
		text_put(sink, ")");
	}
	if (shown < count) {
		text_put(sink, " and ");
		text_count(sink, count - shown, "other");
	}
	text_put(sink, "\n");
}

static void put_descriptors(const struct scan_process *process,
			    const struct text_sink *sink)
{
	put_label(sink, "holds");
	text_unsigned(sink, process->descriptors);
	if (process->limit == PROC_LIMIT_NONE) {
		text_put(sink, " descriptors, without a limit");
	} else if (process->limit == PROC_LIMIT_UNKNOWN) {
		text_put(sink, " descriptors");
	} else {
		text_put(sink, " of ");
		text_unsigned(sink, process->limit);
		text_put(sink, " descriptors");
	}
	if (process->incomplete)
		text_put(sink, " that could be seen: it became another user's meanwhile");
	text_put(sink, "\n");
}

static void put_backlog(const struct scan_process *process, const struct text_sink *sink)
{
	if (!process->unaccepted)
		return;
	put_label(sink, "backlog");
	text_count(sink, process->unaccepted, "connection");
	text_put(sink, " more that no accept() has taken\n");
}

static void put_detached(const struct scan_process *process, bool all,
			 const struct text_sink *sink)
{
	size_t count = process->detached_count;
	size_t shown = all || count < EXAMPLES ? count : EXAMPLES;

	if (count) {
		put_label(sink, "detached");
		text_unsigned(sink, count);
		text_put(sink, count == 1 ? " more socket" : " more sockets");
		text_put(sink,
			 " of connections that are over, reset or shut down by both "
			 "sides: fd ");
		for (size_t i = 0; i < shown; i++) {
			text_put(sink, i ? ", " : "");
			text_signed(sink, process->detached[i].fd);
		}
		text_put(sink, shown < count ? ", …\n" : "\n");
	}
	if (process->untold) {
		put_label(sink, "not told");
		text_count(sink, process->untold, "TCP socket");
		text_put(sink,
			 " that the kernel lists no more or not yet: which, may not be "
			 "asked\n");
	}
}

static void put_socket(const struct scan_socket *held, const struct text_sink *sink)
{
	static const char *const eof[] = {
		[SCAN_EOF_READ] = "  eof-read",
		[SCAN_EOF_UNREAD] = "  eof-unread",
		[SCAN_EOF_UNKNOWN] = "",
	};
	const struct diag_socket *socket = &held->row->socket;
	const struct cw_look *look = &socket->look;

	text_put(sink, "  fd ");
	text_signed(sink, held->fd);
	text_put(sink, "  ");
	text_address(sink, NULL, &look->local);
	if (look->peer.port) {
		text_put(sink, "  peer ");
		text_address(sink, NULL, &look->peer);
	}
	text_put(sink, "  ");
	text_put(sink, text_tcp_state(look->state));
	text_put(sink, eof[scan_eof_of(socket)]);
	if (look->state == TCP_LISTEN) {
		text_put(sink, "  backlog ");
		text_unsigned(sink, socket->queue);
	} else {
		text_put(sink, "  unread ");
		text_size(sink, look->unread);
		text_put(sink, "  at least ");
		text_duration(sink, socket_age(socket).at_least * NS_PER_MS);
	}
	text_put(sink, "  ino ");
	text_unsigned(sink, look->inode);
	if (held->row->holders > 1) {
		text_put(sink, "  held by ");
		text_unsigned(sink, held->row->holders);
		text_put(sink, " processes");
	}
	text_put(sink, "\n");
}

static void put_sockets(const struct scan_process *process, bool all,
			const struct text_sink *sink)
{
	size_t shown = all || process->count < EXAMPLES ? process->count : EXAMPLES;

	if (shown)
		text_put(sink, "\n");
	for (size_t i = 0; i < shown; i++)
		put_socket(&process->sockets[i], sink);
	if (shown == process->count)
		return;
	text_put(sink, "  and ");
	text_unsigned(sink, process->count - shown);
	text_put(sink, " more          (all: closewait scan --all --pid ");
	text_signed(sink, process->pid);
	text_put(sink, ")\n");
}

void scan_text_process(const struct scan *scan, const struct scan_process *process,
		       bool all, const struct text_sink *sink)
{
	put_head(scan, process, sink);
	put_eof(process, sink);
	put_addresses(process, ADDRESS_PEER, all, sink);
	put_addresses(process, ADDRESS_LOCAL, all, sink);
	put_backlog(process, sink);
	put_detached(process, all, sink);
	put_descriptors(process, sink);
	put_sockets(process, all, sink);
	text_put(sink, "\n");
}
