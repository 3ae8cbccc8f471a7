/* SPDX-License-Identifier: MIT */
/* Connections that no accept() has taken, and whose they are. */
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "scan_parts.h"

static void move(struct scan_work *work, struct socket_table *table,
		 const struct table_row *row)
{
	struct table_row *moved = scan_grow(work, &table->rows, &table->count,
					    &table->room, sizeof(*moved));

	if (moved)
		*moved = *row;
}

static bool may_wait(uint32_t state)
{
	return state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT;
}

/* Without an inode: no descriptor was made yet, or the last one was closed. */
static void sift_nameless(struct scan_work *work, const struct table_row *row)
{
	if (row->young)
		work->scan->young += !work->scan->request.pid;
	else if (may_wait(row->socket.look.state))
		move(work, &work->backlog, row);
	else
		work->scan->orphaned++;
}

/* A connection has its listener's family. */
static bool takes(const struct table_row *listener, const struct table_row *connection)
{
	static const uint8_t any[16];
	const struct cw_addr *bound = &listener->socket.look.local;
	const struct cw_addr *local = &connection->socket.look.local;

	return listener->netns == connection->netns && bound->family == local->family &&
	       bound->port == local->port &&
	       (memcmp(bound->ip, any, sizeof(any)) == 0 ||
		memcmp(bound->ip, local->ip, sizeof(any)) == 0);
}

/* Its inode; 0: none, or, with SO_REUSEPORT, several that have the same address: which of them
 * has it, is not told. */
static uint64_t only_listener(const struct scan_work *work,
			      const struct table_row *connection)
{
	uint64_t inode = 0;

	for (size_t i = 0; i < work->listeners.count; i++) {
		if (!takes(&work->listeners.rows[i], connection))
			continue;
		if (inode)
			return 0;
		inode = work->listeners.rows[i].inode;
	}
	return inode;
}

/* From here on a row of the backlog has its listener's inode, and is found by it. */
static void find_listeners(struct scan_work *work)
{
	for (size_t i = 0; i < work->backlog.count; i++)
		work->backlog.rows[i].inode = only_listener(work, &work->backlog.rows[i]);
	socket_table_sort(&work->backlog);
}

void scan_sift(struct scan_work *work)
{
	struct scan *scan = work->scan;
	struct socket_table *table = &scan->table;
	size_t kept = 0;

	for (size_t i = 0; i < table->count; i++) {
		struct table_row *row = &table->rows[i];
		uint32_t state = row->socket.look.state;

		row->young = socket_age(&row->socket).at_least < scan->request.min_age;
		if (state == TCP_LISTEN && row->inode)
			move(work, &work->listeners, row);
		if (!(scan->request.states & 1u << state))
			continue;
		if (row->inode)
			table->rows[kept++] = *row;
		else
			sift_nameless(work, row);
	}
	table->count = kept;
	socket_table_sort(table);
	find_listeners(work);
}

uint64_t scan_backlog_of(struct scan_work *work, uint64_t inode, pid_t pid)
{
	struct table_row *row = socket_table_find(&work->backlog, inode);
	const struct table_row *end = work->backlog.rows + work->backlog.count;
	uint64_t count = 0;

	for (; row && row < end && row->inode == inode; row++) {
		if (row->last_holder == pid)
			continue;
		row->last_holder = pid;
		row->holders++;
		count++;
	}
	return count;
}

void scan_backlog_finish(struct scan_work *work)
{
	struct scan *scan = work->scan;

	for (size_t i = 0; i < work->backlog.count; i++) {
		bool told = work->backlog.rows[i].holders;

		scan->unaccepted += told || !scan->request.pid;
		scan->hidden.unaccepted += !told && !scan->request.pid;
	}
}
