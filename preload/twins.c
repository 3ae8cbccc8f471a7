/* SPDX-License-Identifier: MIT */
/* One socket, two records. */
#include "twins.h"
#include "fd_table.h"
#include "site_stats.h"
#include "sockets.h"

bool twins(const struct cw_socket *s, uint64_t entry)
{
	const struct cw_socket *other = entry_socket(entry);

	return s->cookie && other != s && other->cookie == s->cookie &&
	       (s->origin == CW_ORIGIN_ADOPTED || other->origin == CW_ORIGIN_ADOPTED);
}

void twin_uncount(struct books *b, const struct cw_socket *s)
{
	atomic_fetch_sub_explicit(&b->process->opened, 1, memory_order_relaxed);
	site_stats_never_opened(s->stats);
}

void twin_forget(struct books *b, uint64_t entry)
{
	bool last = false;
	struct cw_socket *s = socket_trade(entry, &last);

	if (!s)
		return;
	if (last)
		twin_uncount(b, s);
	socket_unpin(b, s);
}

void twin_closed(struct books *b, const struct cw_socket *s, int fd)
{
	uint64_t entry = fd_entry(b, fd);
	struct cw_socket *other = entry ? socket_pin(entry) : NULL;

	if (!other)
		return;
	if (other->origin == CW_ORIGIN_ADOPTED && twins(s, entry) &&
	    fd_forget(b, fd, entry))
		twin_forget(b, entry);
	socket_unpin(b, other);
}
