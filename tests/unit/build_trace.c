/* SPDX-License-Identifier: MIT */
/* Traces in memory. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "build_trace.h"

static struct cw_extent *extent(const struct built_trace *trace, uint32_t index)
{
	return (struct cw_extent *)(void *)(trace->bytes + CW_EXTENT_TABLE_OFFSET) +
	       index;
}

static void set_tag(const struct built_trace *trace, uint32_t index,
		    enum cw_extent_kind kind)
{
	uint32_t owner = kind == CW_EXTENT_PROCESS ? index : trace->process;

	extent(trace, index)->tag = (uint32_t)kind << 24 | owner;
}

struct built_trace build_trace(uint32_t extents)
{
	struct built_trace trace = {.size = (size_t)extents * CW_EXTENT_SIZE};
	uint32_t table = CW_EXTENT_TABLE_OFFSET + extents * sizeof(struct cw_extent);
	struct cw_header *header;

	trace.bytes = aligned_alloc(CW_EXTENT_SIZE, trace.size);
	assert(trace.bytes);
	memset(trace.bytes, 0, trace.size);
	header = (void *)trace.bytes;
	memcpy(header->magic, CW_TRACE_MAGIC, sizeof(header->magic));
	header->version = CW_TRACE_VERSION;
	header->byte_order = CW_BYTE_ORDER;
	header->header_size = sizeof(*header);
	header->extent_size = CW_EXTENT_SIZE;
	header->extent_count = extents;
	header->size = trace.size;
	header->grace = 1000000000;
	header->slow_close = 10000000000;
	header->image_started = BUILT_START;
	strcpy(header->command, "./server -p 8080");
	trace.next = (table + CW_EXTENT_SIZE - 1) / CW_EXTENT_SIZE;
	for (uint32_t i = 0; i < trace.next; i++)
		set_tag(&trace, i, CW_EXTENT_RESERVED);
	return trace;
}

void built_trace_free(struct built_trace *trace)
{
	free(trace->bytes);
	trace->bytes = NULL;
}

struct trace_view built_view(const struct built_trace *trace)
{
	struct trace_view view;

	assert(trace_view_open(&view, trace->bytes, trace->size) == 0);
	return view;
}

static void *claim(struct built_trace *trace, enum cw_extent_kind kind)
{
	struct cw_header *header = (void *)trace->bytes;

	assert(trace->next < header->extent_count);
	set_tag(trace, trace->next, kind);
	trace->current[kind] = trace->next;
	return trace->bytes + (size_t)trace->next++ * CW_EXTENT_SIZE;
}

static void *carve(struct built_trace *trace, enum cw_extent_kind kind, size_t size)
{
	uint32_t used;

	size = (size + 7) & ~(size_t)7;
	if (!trace->current[kind] ||
	    extent(trace, trace->current[kind])->used + size > CW_EXTENT_SIZE)
		claim(trace, kind);
	used = extent(trace, trace->current[kind])->used;
	extent(trace, trace->current[kind])->used = used + (uint32_t)size;
	return trace->bytes + (size_t)trace->current[kind] * CW_EXTENT_SIZE + used;
}

struct cw_process *build_process(struct built_trace *trace)
{
	struct cw_process *process = claim(trace, CW_EXTENT_PROCESS);

	trace->process = trace->current[CW_EXTENT_PROCESS];
	trace->current[CW_EXTENT_SOCKETS] = 0;
	trace->current[CW_EXTENT_STATS] = 0;
	trace->current[CW_EXTENT_LOOKS] = 0;
	trace->current[CW_EXTENT_ASIDES] = 0;
	set_tag(trace, trace->process, CW_EXTENT_PROCESS);
	process->state = CW_PROCESS_ENDED;
	process->pid = 6120;
	process->started = BUILT_START;
	process->ended = BUILT_NOW;
	process->looked = BUILT_NOW;
	process->last_event = BUILT_NOW;
	process->ended_by = CW_END_SIGNAL;
	process->end_value = 15;
	strcpy(process->comm, "server");
	return process;
}

struct cw_socket *build_socket(struct built_trace *trace)
{
	struct cw_socket *socket = carve(trace, CW_EXTENT_SOCKETS, sizeof(*socket));

	socket->word = 1ull << 32 | 1;
	return socket;
}

struct cw_aside *build_aside(struct built_trace *trace, struct cw_socket *socket)
{
	struct cw_aside *aside = carve(trace, CW_EXTENT_ASIDES, sizeof(*aside));

	aside->generation = cw_word_generation(socket->word);
	socket->aside = built_ref(trace, aside);
	return aside;
}

struct cw_look *build_look(struct built_trace *trace, struct cw_socket *socket)
{
	struct cw_look *look = carve(trace, CW_EXTENT_LOOKS, sizeof(*look));

	look->taken = BUILT_NOW;
	socket->look = built_ref(trace, look);
	return look;
}

struct cw_stats *build_stats(struct built_trace *trace, cw_ref open_site)
{
	struct cw_stats *stats = carve(trace, CW_EXTENT_STATS, sizeof(*stats));

	stats->open_site = open_site;
	return stats;
}

cw_ref build_string(struct built_trace *trace, const char *text)
{
	size_t size = strlen(text);
	struct cw_string *string =
		carve(trace, CW_EXTENT_HEAP, sizeof(*string) + size + 1);

	string->size = (uint32_t)size;
	memcpy(string->bytes, text, size + 1);
	return built_ref(trace, string);
}

cw_ref build_module(struct built_trace *trace, const char *path)
{
	cw_ref name = build_string(trace, path);
	struct cw_module *module = carve(trace, CW_EXTENT_HEAP, sizeof(*module));

	module->base = 0x10000;
	module->low = 0x10000;
	module->high = 0x20000;
	module->path = name;
	return built_ref(trace, module);
}

cw_ref build_site(struct built_trace *trace, cw_ref module, const uint64_t *offsets,
		  uint16_t count)
{
	struct cw_site *site = carve(trace, CW_EXTENT_HEAP,
				     sizeof(*site) + count * sizeof(struct cw_frame));

	site->count = count;
	for (uint16_t i = 0; i < count; i++)
		site->frames[i] = (struct cw_frame){offsets[i], module, 0};
	return built_ref(trace, site);
}

cw_ref build_code(struct built_trace *trace, const char *file, const char *function)
{
	cw_ref name = build_string(trace, file);
	cw_ref called = build_string(trace, function);
	cw_ref directory = build_string(trace, "/home/u");
	struct cw_code *code = carve(trace, CW_EXTENT_HEAP, sizeof(*code));

	*code = (struct cw_code){.file = name,
				 .function = called,
				 .directory = directory,
				 .first_line = 1};
	return built_ref(trace, code);
}

cw_ref build_python_site(struct built_trace *trace, cw_ref code, const uint64_t *lines,
			 uint16_t count, cw_ref native)
{
	const struct cw_site *below = (void *)(trace->bytes + (size_t)native * 8);
	uint16_t all = (uint16_t)(count + below->count);
	struct cw_site *site = carve(trace, CW_EXTENT_HEAP,
				     sizeof(*site) + all * sizeof(struct cw_frame));

	site->count = all;
	for (uint16_t i = 0; i < count; i++)
		site->frames[i] = (struct cw_frame){lines[i], code, CW_FRAME_PYTHON};
	memcpy(site->frames + count, below->frames,
	       below->count * sizeof(struct cw_frame));
	return built_ref(trace, site);
}

cw_ref built_ref(const struct built_trace *trace, const void *record)
{
	return (cw_ref)(((const uint8_t *)record - trace->bytes) / 8);
}

struct cw_socket *build_accepted(struct built_trace *trace, cw_ref open_site)
{
	struct cw_socket *socket = build_socket(trace);

	socket->origin = CW_ORIGIN_ACCEPT;
	socket->domain = AF_INET;
	socket->type = SOCK_STREAM;
	socket->flags = CW_SOCKET_CONNECTED;
	socket->opened = BUILT_NOW - 120000000000;
	socket->open_site = open_site;
	socket->bytes_in = 14;
	socket->fd = 7;
	socket->peer_family = AF_INET;
	memcpy(socket->peer_ip, (uint8_t[]){10, 0, 3, 17}, 4);
	socket->peer_port = 41822;
	return socket;
}

struct cw_look *build_tcp_look(struct built_trace *trace, struct cw_socket *socket,
			       uint32_t state, uint32_t fin_ms)
{
	struct cw_look *look = build_look(trace, socket);

	look->flags = CW_LOOK_TCP;
	look->state = state;
	look->last_ack_recv = fin_ms;
	look->last_data_recv = fin_ms + 20;
	look->last_data_sent = 100000;
	look->inode = 193155;
	look->local.family = AF_INET;
	look->local.port = 8080;
	memcpy(look->local.ip, (uint8_t[]){10, 0, 0, 5}, 4);
	look->peer.family = AF_INET;
	look->peer.port = socket->peer_port;
	memcpy(look->peer.ip, socket->peer_ip, 4);
	return look;
}
