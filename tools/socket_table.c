/* SPDX-License-Identifier: MIT */
/* A growing array, sorted once. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "socket_table.h"
#include "trace/sort.h"

struct filling {
	struct socket_table *table;
	uint64_t netns;
};

static void add(void *context, const struct diag_socket *socket)
{
	const struct filling *filling = context;
	struct socket_table *table = filling->table;

	if (table->count == table->room) {
		size_t room = table->room ? 2 * table->room : 256;
		struct table_row *rows = reallocarray(table->rows, room, sizeof(*rows));

		if (!rows) {
			table->failed = true;
			return;
		}
		table->rows = rows;
		table->room = room;
	}
	table->rows[table->count++] = (struct table_row){
		.inode = socket->look.inode,
		.netns = filling->netns,
		.socket = *socket,
	};
}

int socket_table_add(struct socket_table *table, table_query *query, void *context,
		     pid_t pid, uint64_t netns, const struct diag_wanted *wanted)
{
	struct filling filling = {table, netns};
	size_t before = table->count;
	int error = query(context, pid, netns, wanted, add, &filling);

	if (!error && table->failed)
		error = -ENOMEM;
	if (error)
		table->count = before;
	return error;
}

static int by_inode(const void *left, const void *right)
{
	const struct table_row *a = left;
	const struct table_row *b = right;

	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return (a->socket.cookie > b->socket.cookie) -
	       (a->socket.cookie < b->socket.cookie);
}

void socket_table_sort(struct socket_table *table)
{
	if (table->count)
		qsort(table->rows, table->count, sizeof(*table->rows), by_inode);
}

void socket_table_free(struct socket_table *table)
{
	free(table->rows);
	*table = (struct socket_table){0};
}

struct table_row *socket_table_find(const struct socket_table *table, uint64_t inode)
{
	size_t i = sort_first(table->rows, table->count, sizeof(*table->rows), inode);

	return inode && i < table->count && table->rows[i].inode == inode
		       ? &table->rows[i]
		       : NULL;
}

struct age socket_age(const struct diag_socket *socket)
{
	const struct cw_look *look = &socket->look;

	if (look->state == TCP_LISTEN || look->last_data_recv == UINT32_MAX)
		return (struct age){0, UINT32_MAX};
	return (struct age){
		.at_least = look->last_ack_recv < look->last_data_recv
				    ? look->last_ack_recv
				    : look->last_data_recv,
		.at_most = look->last_data_recv,
	};
}
