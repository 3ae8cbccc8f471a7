/* SPDX-License-Identifier: MIT */
/* Sockets of a group, with what the kernel said of each. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "json_parts.h"
#include "trace/text.h"

#define SOCKETS_SHOWN 20u

/* A socket on its way into the report. */
struct told {
	const struct json_report *report;
	const struct group_item *item;
	const struct subject *subject;
	const struct cw_look *look; /* NULL: the kernel was not asked */
	struct cw_socket socket;
};

static const char *inet_protocol(const struct cw_socket *socket)
{
	if (socket->protocol == IPPROTO_SCTP)
		return "sctp";
	if (socket->type == SOCK_STREAM)
		return "tcp";
	return socket->type == SOCK_DGRAM ? "udp" : "raw";
}

static json_t *protocol_json(const struct cw_socket *socket)
{
	char name[32];

	switch (socket->domain) {
	case AF_INET:
		return json_string(inet_protocol(socket));
	case AF_INET6:
		snprintf(name, sizeof(name), "%s6", inet_protocol(socket));
		return json_string(name);
	case AF_UNIX:
		return json_string("unix");
	case AF_NETLINK:
		return json_string("netlink");
	case AF_PACKET:
		return json_string("packet");
	case AF_VSOCK:
		return json_string("vsock");
	default:
		snprintf(name, sizeof(name), "family-%u", socket->domain);
		return json_string(name);
	}
}

static void put_address(const struct text_sink *sink, const struct trace_view *view,
			const struct cw_addr *address)
{
	if (address->family == AF_INET || address->family == AF_INET6 ||
	    (address->family == AF_UNIX && address->path))
		text_address(sink, view, address);
}

static void put_local(const struct text_sink *sink, const void *context)
{
	const struct told *told = context;
	const struct trace_view *view = &told->subject->view;
	size_t size;
	const char *bound = trace_bytes(view, told->socket.local, &size);

	if (told->look && told->look->local.family)
		put_address(sink, view, &told->look->local);
	else if (size)
		text_foreign(sink, bound, size);
}

/* A listener has no peer. */
static void put_peer(const struct text_sink *sink, const void *context)
{
	const struct told *told = context;
	const struct cw_socket *socket = &told->socket;
	const struct trace_view *view = &told->subject->view;
	struct cw_aside aside;

	if (socket->flags & CW_SOCKET_LISTENING)
		return;
	trace_aside_copy(view, socket, &aside);
	if (told->look && told->look->peer.family)
		put_address(sink, view, &told->look->peer);
	else if (socket->peer_family == AF_INET || socket->peer_family == AF_INET6)
		text_ip(sink, socket->peer_family, socket->peer_ip, socket->peer_port,
			aside.peer_scope);
}

static json_t *state_json(const struct cw_look *look)
{
	if (!look || !(look->flags & CW_LOOK_TCP))
		return json_null();
	return json_string(text_tcp_state(look->state));
}

static json_t *dwell_json(const struct group_item *item)
{
	return item->bound == DWELL_NONE ? json_null() : json_ms(item->dwell);
}

/* The subjects that hold a socket follow each other; one of them may hold it twice. */
static json_t *holders_json(const struct told *told)
{
	const struct groups *groups = told->report->groups;
	uint32_t own = told->item->subject, last = UINT32_MAX, first;
	uint32_t count = groups_holders(groups, told->item->cookie, &first);
	json_t *pids = json_array();
	bool has_own = false;

	for (uint32_t i = first; i < first + count; i++) {
		uint32_t holder = groups->holders[i].subject;

		if (holder != last &&
		    groups_held_too(&groups->subjects[holder], told->subject))
			json_add(&pids,
				 json_integer(groups->subjects[holder].process->pid));
		has_own |= holder == own;
		last = holder;
	}
	if (!has_own)
		json_add(&pids, json_integer(told->subject->process->pid));
	return pids;
}

static json_t *socket_json(const struct told *told)
{
	const struct cw_socket *socket = &told->socket;
	const struct cw_look *look = told->look;
	int fd = look && look->fd > 0 ? look->fd : socket->fd;

	return json_pack(
		"{s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:n, s:o, "
		"s:o}",
		"pid", json_integer(told->subject->process->pid), "fd", fd, "thread",
		socket->tid ? json_integer(socket->tid) : json_null(), "protocol",
		protocol_json(socket), "local", json_written(put_local, told), "peer",
		json_written(put_peer, told), "kernel_state", state_json(look),
		"dwell_ms", dwell_json(told->item), "received_bytes",
		json_number(socket->bytes_in), "sent_bytes",
		json_number(socket->bytes_out), "unread_bytes",
		look ? json_integer(look->unread) : json_null(), "cookie",
		json_identity(socket->cookie), "inode",
		json_identity(look ? look->inode : 0), "netns", "holders",
		holders_json(told), "closed_by_child",
		cw_heir_closed(socket) ? json_integer(cw_heir_closed(socket))
				       : json_null());
}

json_t *json_sockets(const struct json_report *report, const struct group *group)
{
	const struct groups *groups = report->groups;
	const struct group_run *run = group->run;
	uint32_t limit = report->request->options->all ? run->count : SOCKETS_SHOWN;
	struct told told = {.report = report};
	json_t *sockets = json_array();
	uint32_t shown = 0;

	for (uint32_t i = 0; i < run->count && shown < limit; i++) {
		told.item = &groups->items[run->first + i];
		told.subject = &groups->subjects[told.item->subject];
		if (!groups_socket(groups, told.item, &told.socket))
			continue;
		told.look = trace_socket_look(&told.subject->view, &told.socket);
		json_add(&sockets, socket_json(&told));
		shown++;
	}
	return sockets;
}
