/* SPDX-License-Identifier: MIT */
/* Sockets of a group, one a line, with what the kernel said of each. */
#include <sys/socket.h>

#include "report_parts.h"
#include "sort.h"
#include "text.h"

#define EXAMPLES 2u
#define HOLDERS  4u

static void put_local(const struct report *report, const struct cw_socket *socket,
		      const struct cw_look *look)
{
	size_t size;
	const char *bound = trace_bytes(&report->subject->view, socket->local, &size);

	if (look && look->local.family)
		text_address(report->sink, &report->subject->view, &look->local);
	else if (size)
		text_foreign(report->sink, bound, size);
	else
		text_put(report->sink, socket->domain == AF_UNIX ? "unix" : "?");
}

static void put_peer(const struct report *report, const struct cw_socket *socket,
		     const struct cw_look *look)
{
	const struct trace_view *view = &report->subject->view;
	struct cw_aside aside;

	if (look && look->peer.family) {
		text_address(report->sink, view, &look->peer);
		return;
	}
	trace_aside_copy(view, socket, &aside);
	text_ip(report->sink, socket->peer_family, socket->peer_ip, socket->peer_port,
		aside.peer_scope);
}

static void put_kernel(const struct report *report, const struct cw_look *look)
{
	if (look->flags & CW_LOOK_TCP) {
		text_put(report->sink, "  ");
		text_put(report->sink, text_tcp_state(look->state));
	} else if (look->flags & (CW_LOOK_HUP | CW_LOOK_RDHUP)) {
		text_put(report->sink, "  peer closed");
	}
}

static void put_bytes(const struct report *report, const struct cw_socket *socket,
		      const struct cw_look *look)
{
	text_put(report->sink, "  in ");
	text_size(report->sink, socket->bytes_in);
	text_put(report->sink, "  out ");
	text_size(report->sink, socket->bytes_out);
	if (!look)
		return;
	text_put(report->sink, "  unread ");
	text_size(report->sink, look->unread);
	if (look->unsent) {
		text_put(report->sink, "  unsent ");
		text_size(report->sink, look->unsent);
	}
}

static void put_identity(const struct report *report, const struct cw_socket *socket,
			 const struct cw_look *look)
{
	if (look && look->inode) {
		text_put(report->sink, "  ino ");
		text_unsigned(report->sink, look->inode);
	}
	if (socket->cookie) {
		text_put(report->sink, "  sk ");
		text_hex(report->sink, socket->cookie, 1);
	}
}

static void put_dwell(const struct report *report, const struct group_item *item)
{
	text_put(report->sink, "  ");
	if (item->bound == DWELL_AT_LEAST)
		text_put(report->sink, "at least ");
	if (item->bound == DWELL_AT_MOST)
		text_put(report->sink, "at most ");
	text_duration(report->sink, item->dwell);
}

/* A listener has no peer, an unnamed UNIX socket nothing to tell of it. */
static bool has_peer(const struct cw_socket *socket, const struct cw_look *look)
{
	if (socket->flags & CW_SOCKET_LISTENING)
		return false;
	return socket->domain != AF_UNIX || (look && look->peer.family);
}

/* A child that was forked with it has done its part. */
static void put_heir(const struct report *report, const struct cw_socket *socket)
{
	uint32_t heir = cw_heir_closed(socket);

	if (!heir || socket->flags & CW_SOCKET_LATE)
		return;
	text_put(report->sink, "  still held by pid ");
	text_unsigned(report->sink, report->subject->process->pid);
	text_put(report->sink, " (parent), opened there; closed by pid ");
	text_unsigned(report->sink, heir);
}

/* The other processes that have it open. What this one was before exec, or became, the history
 * tells. */
static void put_holders(const struct report *report, const struct cw_socket *socket)
{
	const struct groups *groups = &report->findings->groups;
	uint32_t first;
	uint32_t count = groups_holders(groups, socket->cookie, &first);
	uint32_t others = 0;

	for (uint32_t i = first; i < first + count; i++) {
		const struct subject *holder =
			&groups->subjects[groups->holders[i].subject];

		if (trace_same_pid(holder->process, report->subject->process) ||
		    !groups_held_too(holder, report->subject) || others++ >= HOLDERS)
			continue;
		text_put(report->sink, others > 1 ? ", " : "  also held by pid ");
		text_unsigned(report->sink, holder->process->pid);
	}
	if (others > HOLDERS)
		text_put(report->sink, " and others");
}

static void put_example(const struct report *report, const struct group_item *item,
			const struct cw_socket *socket)
{
	const struct cw_look *look = trace_socket_look(&report->subject->view, socket);
	bool called = socket->origin == CW_ORIGIN_CONNECT;

	text_put(report->sink, "  ");
	if (report->findings->speaking > 1) {
		text_put(report->sink, "pid ");
		text_unsigned(report->sink, report->subject->process->pid);
		text_put(report->sink, " ");
	}
	text_put(report->sink, "fd ");
	text_signed(report->sink, look && look->fd > 0 ? look->fd : socket->fd);
	text_put(report->sink, "  ");
	put_local(report, socket, look);
	if (has_peer(socket, look)) {
		text_put(report->sink, called ? " -> " : " <- ");
		put_peer(report, socket, look);
	}
	if (look)
		put_kernel(report, look);
	put_bytes(report, socket, look);
	put_identity(report, socket, look);
	put_dwell(report, item);
	put_heir(report, socket);
	put_holders(report, socket);
	if (socket->flags & CW_SOCKET_STDIO)
		text_put(report->sink,
			 "  (libc's stdio reads it: bytes in are not counted)");
	text_put(report->sink, "\n");
}

/* Equal for equal peers, whatever their port; 0: not known. */
static uint64_t peer_key(const struct trace_view *view, const struct cw_socket *socket)
{
	const struct cw_look *look = trace_socket_look(view, socket);
	const uint8_t *ip = socket->peer_ip;
	unsigned family = socket->peer_family;

	if (look && look->peer.family) {
		ip = look->peer.ip;
		family = look->peer.family;
	}
	/* AF_UNIX peers are all alike; AF_INET is 2, AF_INET6 is 10. */
	if (family < 2)
		return 0;
	return hash_bytes(HASH_SEED, (const char *)ip, family == 2 ? 4 : 16);
}

static int compare_words(const void *left, const void *right, const void *context)
{
	const uint64_t *a = left;
	const uint64_t *b = right;

	(void)context;
	return (*a > *b) - (*a < *b);
}

static uint32_t distinct_peers(const struct report *report,
			       const struct group_item *items, uint32_t count)
{
	const struct groups *groups = &report->findings->groups;
	uint64_t *keys = groups->scratch;
	uint32_t known = 0, distinct = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct cw_socket socket;

		if (groups_socket(groups, &items[i], &socket))
			keys[known++] = peer_key(&groups->subjects[items[i].subject].view,
						 &socket);
	}
	sort_heap(keys, known, sizeof(*keys), compare_words, NULL);
	for (uint32_t i = 0; i < known; i++)
		distinct += keys[i] && (!i || keys[i] != keys[i - 1]);
	return distinct;
}

static void put_more(const struct report *report, const struct group_item *items,
		     uint32_t count)
{
	uint32_t peers = distinct_peers(report, items, count);

	text_put(report->sink, "  and ");
	text_unsigned(report->sink, count);
	text_put(report->sink, " more");
	if (peers) {
		text_put(report->sink, " from ");
		text_count(report->sink, peers, "peer");
	}
	report_hint_all(report);
	text_put(report->sink, "\n");
}

void report_examples(struct report *report, const struct group *group)
{
	const struct groups *groups = &report->findings->groups;
	const struct group_item *items = &groups->items[group->run->first];
	uint32_t limit = report->options->all ? group->run->count : EXAMPLES;
	uint32_t i, shown = 0;

	for (i = 0; i < group->run->count && shown < limit; i++) {
		struct report own =
			report_on(report, &groups->subjects[items[i].subject]);
		struct cw_socket socket;

		if (!groups_socket(groups, &items[i], &socket))
			continue;
		put_example(&own, &items[i], &socket);
		shown++;
	}
	if (i < group->run->count)
		put_more(report, items + i, group->run->count - i);
	text_put(report->sink, "\n");
}
