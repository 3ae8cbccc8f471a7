/* SPDX-License-Identifier: MIT */
/* A scan as JSON. */
#include <netinet/tcp.h>
#include <stdlib.h>

#include "cleanup.h"
#include "json_value.h"
#include "scan_addresses.h"
#include "scan_metrics.h"
#include "scan_states.h"
#include "trace/text.h"

#define SCHEMA 1

static json_t *json_age(const struct age *age, uint32_t ms)
{
	return age->at_most == UINT32_MAX ? json_null() : json_integer(ms);
}

static void put_address(const struct text_sink *sink, const void *context)
{
	text_address(sink, NULL, context);
}

static void put_group(const struct text_sink *sink, const void *context)
{
	scan_address_put(sink, context);
}

static json_t *json_eof(const struct diag_socket *socket)
{
	static const char *const names[] = {
		[SCAN_EOF_READ] = "eof-read",
		[SCAN_EOF_UNREAD] = "eof-unread",
		[SCAN_EOF_UNKNOWN] = "unknown",
	};

	return json_string(names[scan_eof_of(socket)]);
}

static json_t *json_socket(const struct scan_socket *held)
{
	const struct diag_socket *socket = &held->row->socket;
	const struct cw_look *look = &socket->look;
	struct age age = socket_age(socket);

	return json_pack(
		"{s:i, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "fd", held->fd,
		"local", json_written(put_address, &look->local), "peer",
		json_written(put_address, &look->peer), "kernel_state",
		text_tcp_state(look->state), "eof", json_eof(socket), "age_at_least_ms",
		json_age(&age, age.at_least), "age_at_most_ms",
		json_age(&age, age.at_most), "unread_bytes", json_number(look->unread),
		"holders", json_number(held->row->holders), "inode",
		json_identity(look->inode), "cookie", json_identity(socket->cookie));
}

static json_t *json_sockets(const struct scan_process *process)
{
	json_t *sockets = json_array();

	for (size_t i = 0; i < process->count; i++)
		json_add(&sockets, json_socket(&process->sockets[i]));
	return sockets;
}

static json_t *json_peers(const struct scan_process *process)
{
	AUTO_FREE struct address_group *groups = NULL;
	size_t count = scan_addresses(process, ADDRESS_PEER, false, &groups);
	json_t *peers = json_array();

	for (size_t i = 0; i < count; i++) {
		struct address_group *group = &groups[i];

		group->address.port = 0;
		json_add(&peers, json_pack("{s:o, s:o, s:o}", "address",
					   json_written(put_group, &group->address),
					   "count", json_number(group->count),
					   "unread_bytes", json_number(group->unread)));
	}
	return peers;
}

static json_t *json_detached(const struct scan_process *process)
{
	json_t *detached = json_array();

	for (size_t i = 0; i < process->detached_count; i++)
		json_add(&detached,
			 json_pack("{s:i, s:o}", "fd", process->detached[i].fd, "inode",
				   json_identity(process->detached[i].inode)));
	return detached;
}

static json_t *json_limit(uint64_t limit)
{
	return limit >= PROC_LIMIT_NONE ? json_null() : json_number(limit);
}

static json_t *json_process(const struct scan_process *process)
{
	return json_pack(
		"{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:b, s:b}",
		"pid", process->pid, "command",
		json_foreign(process->command, sizeof(process->command)), "name",
		json_foreign(process->name, sizeof(process->name)), "netns",
		json_identity(process->netns), "count", json_number(process->count),
		"eof_read", json_number(process->eof[SCAN_EOF_READ]), "eof_unread",
		json_number(process->eof[SCAN_EOF_UNREAD]), "oldest_age_ms",
		process->count ? json_age(&process->oldest, process->oldest.at_least)
			       : json_null(),
		"unread_bytes", json_number(process->unread), "peers",
		json_peers(process), "sockets", json_sockets(process), "detached",
		json_detached(process), "unaccepted", json_number(process->unaccepted),
		"untold", json_number(process->untold), "descriptors",
		json_number(process->descriptors), "descriptor_limit",
		json_limit(process->limit), "incomplete", process->incomplete, "traced",
		process->traced);
}

static json_t *json_processes(const struct scan *scan)
{
	json_t *processes = json_array();

	for (size_t i = 0; i < scan->count; i++)
		json_add(&processes, json_process(&scan->processes[i]));
	return processes;
}

static json_t *json_states(uint32_t states)
{
	json_t *names = json_array();

	for (uint32_t i = 0; i < 32; i++)
		if (states & 1u << i && scan_state_name(i))
			json_add(&names, json_string(scan_state_name(i)));
	return names;
}

static json_t *json_hidden(const struct scan *scan)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "sockets",
			 json_number(scan->hidden.sockets), "unaccepted",
			 json_number(scan->hidden.unaccepted), "processes",
			 json_number(scan->hidden.processes), "namespaces",
			 json_number(scan->hidden.namespaces), "elsewhere",
			 json_number(scan->hidden.elsewhere));
}

json_t *scan_json(const struct scan *scan)
{
	return json_pack(
		"{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"schema", SCHEMA, "taken", json_moment(scan->taken), "took_ms",
		json_ms(scan->took), "states", json_states(scan->request.states),
		"min_age_ms", json_number(scan->request.min_age), "sockets",
		json_number(scan->sockets), "processes", json_processes(scan), "hidden",
		json_hidden(scan), "unaccepted", json_number(scan->unaccepted), "young",
		json_number(scan->young), "looked_at", json_number(scan->looked_at),
		"namespaces", json_number(scan->namespaces), "changed",
		json_number(scan->changed));
}
