/* SPDX-License-Identifier: MIT */
/*
 * The kernel's TCP sockets of some network namespaces, to be looked up by inode: what
 * /proc/PID/fd shows of a socket.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"

struct table_row {
	uint64_t inode; /* 0: no descriptor is made yet (not accepted), or none is left */
	uint64_t netns; /* of the namespace, as in struct table_source */
	/* For the table's user: */
	uint32_t holders;  /* processes */
	pid_t last_holder; /* the one that was counted last */
	bool young;
	struct diag_socket socket;
};

/* Zeroed is empty. */
struct socket_table {
	struct table_row *rows; /* by inode once sorted, else as they came */
	size_t count;
	size_t room;
	bool failed; /* no memory: incomplete */
};

/* How a namespace is asked; diag_tcp() or a test's own. */
typedef int table_query(void *context, pid_t pid, uint64_t netns,
			const struct diag_wanted *wanted, diag_visit *visit,
			void *visit_context);

/* Adds the namespace's sockets. Returns 0 or -errno as diag_tcp() does; then none was added. */
int socket_table_add(struct socket_table *table, table_query *query, void *context,
		     pid_t pid, uint64_t netns, const struct diag_wanted *wanted);
/* After the last one was added: makes find() work. */
void socket_table_sort(struct socket_table *table);
void socket_table_free(struct socket_table *table);

/* NULL: none. There is none for 0. */
struct table_row *socket_table_find(const struct socket_table *table, uint64_t inode);

/* How long ago the peer's FIN came, in ms, of a socket in CLOSE_WAIT; of others, how long ago
 * something came. It came no later than the last segment of any kind (an answer to a
 * keepalive is one, too: so it is "at least"), and no earlier than the last data. Of a listener
 * nothing is known: at_least is 0, at_most UINT32_MAX. */
struct age {
	uint32_t at_least;
	uint32_t at_most;
};

struct age socket_age(const struct diag_socket *socket);
