/* SPDX-License-Identifier: MIT */
/* An invented server: its functions lie 0x100 bytes apart. */
#include <netinet/tcp.h>
#include <string.h>

#include "built_example.h"

enum function {
	MAIN = 0x100,
	ACCEPT_CONN = 0x200,
	READ_REQUEST = 0x300,
	SERVE_CONN = 0x400,
	CONN_CLOSE = 0x500,
	START = 0x600,
};

static int name(void *context, const struct trace_view *view,
		const struct cw_module *module, uint64_t pc, struct symbol *out, int max)
{
	static const char *const functions[] = {"main",         "accept_conn",
						"read_request", "serve_conn",
						"conn_close",   "_start"};
	uint64_t offset = pc - module->base;

	(void)context;
	(void)view;
	if (max < 1 || offset < MAIN || offset >= START + 0x100)
		return 0;
	out[0] = (struct symbol){
		.function = functions[offset / 0x100 - 1],
		.offset = offset % 0x100,
		.file = offset < START ? "/src/server.c" : NULL,
		.line = (int)(offset % 0x100),
	};
	return 1;
}

const struct symbolizer example_symbolizer = {.name = name};

static cw_ref site(struct built_trace *trace, cw_ref module, enum function outer,
		   enum function inner, unsigned line)
{
	const uint64_t offsets[] = {inner + line + 1, outer + 61, START + 34};

	return build_site(trace, module, offsets, 3);
}

static void add_eof_ignored(struct built_trace *trace, cw_ref open_site, cw_ref eof_site,
			    uint64_t eof_ago)
{
	static unsigned number; /* no two sockets are one */
	struct cw_socket *socket = build_accepted(trace, open_site);

	socket->flags |= CW_SOCKET_EOF;
	socket->eof = BUILT_NOW - eof_ago;
	socket->eof_site = eof_site;
	socket->first_read_site = eof_site;
	socket->cookie = 0xec17 + number++;
	build_tcp_look(trace, socket, TCP_CLOSE_WAIT, 90000);
}

static void add_eof_unread(struct built_trace *trace, cw_ref open_site, cw_ref read_site)
{
	struct cw_socket *socket = build_accepted(trace, open_site);

	socket->fd = 12;
	socket->first_read_site = read_site;
	socket->last_call = CW_CALL_READ;
	socket->last_result = 14;
	build_tcp_look(trace, socket, TCP_CLOSE_WAIT, 118000);
}

static void add_idle_client(struct built_trace *trace, cw_ref open_site)
{
	struct cw_socket *socket = build_accepted(trace, open_site);

	socket->origin = CW_ORIGIN_CONNECT;
	socket->bytes_out = 3;
	build_tcp_look(trace, socket, TCP_CLOSE_WAIT, 30000);
}

static void add_siblings(struct built_trace *trace, cw_ref open_site, cw_ref close_site)
{
	struct cw_stats *stats = build_stats(trace, open_site);

	stats->opened = 200;
	stats->closed = 150;
	stats->dwell_max = 12000000000;
	stats->dwell[8] = 149;
	stats->dwell[24] = 1;
	stats->closers[0].site = close_site;
	stats->closers[0].count = 150;
	stats->slow = 1;
	stats->slow_site = close_site;
}

static void fill(struct built_trace *trace, bool with_leak)
{
	cw_ref module = build_module(trace, "/usr/bin/server");
	cw_ref opened = site(trace, module, MAIN, ACCEPT_CONN, 61);
	cw_ref eof = site(trace, module, SERVE_CONN, READ_REQUEST, 88);
	cw_ref read = site(trace, module, MAIN, READ_REQUEST, 70);
	cw_ref closed = site(trace, module, SERVE_CONN, CONN_CLOSE, 97);

	if (with_leak) {
		add_eof_ignored(trace, opened, eof, 30000000000);
		add_eof_ignored(trace, opened, eof, 4100000000);
		add_eof_ignored(trace, opened, eof, 90000000000);
		add_eof_unread(trace, opened, read);
		add_idle_client(trace, read);
	}
	add_siblings(trace, opened, closed);
}

struct built_trace build_example(void)
{
	struct built_trace trace = build_trace(6);
	struct cw_process *process = build_process(&trace);

	process->opened = 206;
	process->closed = 150;
	process->fd_limit = 1024;
	process->fds_open = 9;
	process->lost[CW_LOST_STACKS] = 2;
	strcpy(((struct cw_header *)(void *)trace.bytes)->notes,
	       "one note\nand another\n");
	fill(&trace, true);
	return trace;
}

struct built_trace build_forked_example(bool with_leak)
{
	struct built_trace trace = build_trace(32);
	struct cw_process *process = build_process(&trace);
	uint32_t first = trace.process;

	process->opened = 3;
	process->closed = 3;
	process = build_process(&trace);
	process->pid = 6121;
	process->ppid = 6120;
	process->parent = first;
	process->opened = with_leak ? 206 : 150;
	process->closed = 150;
	if (with_leak)
		fill(&trace, true);
	return trace;
}
