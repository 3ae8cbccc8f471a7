/* SPDX-License-Identifier: MIT */
/* Sorting addresses, and counting the equal ones. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "scan_addresses.h"
#include "trace/text.h"

static int compare_addresses(const struct cw_addr *a, const struct cw_addr *b)
{
	int order = (a->family > b->family) - (a->family < b->family);

	if (!order)
		order = memcmp(a->ip, b->ip, sizeof(a->ip));
	if (!order)
		order = (a->scope > b->scope) - (a->scope < b->scope);
	return order;
}

static int by_address(const void *left, const void *right)
{
	const struct cw_addr *a = &((const struct address_group *)left)->address;
	const struct cw_addr *b = &((const struct address_group *)right)->address;
	int order = compare_addresses(a, b);

	return order ? order : (a->port > b->port) - (a->port < b->port);
}

static int by_count(const void *left, const void *right)
{
	const struct address_group *a = left;
	const struct address_group *b = right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return by_address(left, right);
}

static size_t merge(struct address_group *groups, size_t count, bool by_port)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct address_group *last = kept ? &groups[kept - 1] : NULL;

		if (!last || compare_addresses(&groups[i].address, &last->address) != 0 ||
		    (by_port && groups[i].address.port != last->address.port)) {
			groups[kept++] = groups[i];
			continue;
		}
		last->count++;
		last->unread += groups[i].unread;
		if (groups[i].address.port != last->address.port)
			last->address.port = 0;
	}
	return kept;
}

size_t scan_addresses(const struct scan_process *process, enum address_side side,
		      bool by_port, struct address_group **groups)
{
	size_t count = 0;

	*groups = process->count ? calloc(process->count, sizeof(**groups)) : NULL;
	if (!*groups)
		return 0;
	for (size_t i = 0; i < process->count; i++) {
		const struct cw_look *look = &process->sockets[i].row->socket.look;
		const struct cw_addr *address =
			side == ADDRESS_PEER ? &look->peer : &look->local;

		/* A listener has no peer. */
		if (address->port)
			(*groups)[count++] =
				(struct address_group){*address, 1, look->unread};
	}
	qsort(*groups, count, sizeof(**groups), by_address);
	count = merge(*groups, count, by_port);
	qsort(*groups, count, sizeof(**groups), by_count);
	return count;
}

void scan_address_put(const struct text_sink *sink, const struct cw_addr *address)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (address->port) {
		text_ip(sink, address->family, address->ip, address->port,
			address->scope);
		return;
	}
	inet_ntop(address->family, address->ip, text, sizeof(text));
	text_put(sink, text);
	if (address->scope) {
		text_put(sink, "%");
		text_unsigned(sink, address->scope);
	}
}
