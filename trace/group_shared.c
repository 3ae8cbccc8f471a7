/* SPDX-License-Identifier: MIT */
/*
 * A socket that a fork child inherited, or an exec'd image found open, is one socket: of the
 * processes that hold it the report names the one that tells most of it, and who else holds it.
 */
#include "group_shared.h"
#include "sort.h"

/* ns; processes that end so shortly after each other end together. */
#define HELD_TOO 1000000000ull

static int ascending(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Of one socket first the leak, by the verdict that says most, then that of the process that
 * opened it: it came first, parents before their children. */
static int by_cookie(const void *left, const void *right, const void *context)
{
	const struct group_item *a = left;
	const struct group_item *b = right;

	(void)context;
	if (a->cookie != b->cookie)
		return ascending(a->cookie, b->cookie);
	if (a->leak != b->leak)
		return a->leak ? -1 : 1;
	if (a->verdict != b->verdict)
		return ascending(a->verdict, b->verdict);
	if (a->subject != b->subject)
		return ascending(a->subject, b->subject);
	return ascending(a->socket, b->socket);
}

static int holders_by_cookie(const void *left, const void *right, const void *context)
{
	const struct group_holder *a = left;
	const struct group_holder *b = right;

	(void)context;
	if (a->cookie != b->cookie)
		return ascending(a->cookie, b->cookie);
	return ascending(a->subject, b->subject);
}

void group_uncount(struct groups *groups, const struct group_item *item)
{
	struct group_totals *totals = &groups->totals;

	if (item->flags & ITEM_UNCOUNTED)
		return;
	if (!item->leak) {
		totals->by_verdict[item->verdict]--;
		totals->listening -= item->flags & ITEM_LISTENING ? 1 : 0;
		return;
	}
	totals->leaks--;
	totals->leaked_by_exit -= item->flags & ITEM_BY_EXIT ? 1 : 0;
}

void group_merge_shared(struct groups *groups)
{
	uint32_t kept = 0;

	if (groups->subject_count < 2)
		return;
	groups->comparisons +=
		sort_heap(groups->holders, groups->holder_count, sizeof(*groups->holders),
			  holders_by_cookie, NULL);
	groups->comparisons += sort_heap(groups->items, groups->item_count,
					 sizeof(*groups->items), by_cookie, NULL);
	for (uint32_t i = 0; i < groups->item_count; i++) {
		if (kept && groups->items[i].cookie &&
		    groups->items[i].cookie == groups->items[kept - 1].cookie)
			group_uncount(groups, &groups->items[i]);
		else
			groups->items[kept++] = groups->items[i];
	}
	groups->item_count = kept;
}

uint32_t groups_holders(const struct groups *groups, uint64_t cookie, uint32_t *first)
{
	uint32_t at = (uint32_t)sort_first(groups->holders, groups->holder_count,
					   sizeof(*groups->holders), cookie);
	uint32_t count = 0;

	*first = at;
	while (at + count < groups->holder_count &&
	       groups->holders[at + count].cookie == cookie)
		count++;
	return cookie ? count : 0;
}

/* When a killed process ended nobody wrote down: beside one that saw its own end, it is taken for
 * gone before. */
bool groups_held_too(const struct subject *holder, const struct subject *told)
{
	if (holder == told || holder->context.alive)
		return true;
	if (holder->context.killed || told->context.killed)
		return holder->context.killed && told->context.killed;
	return !told->context.alive &&
	       holder->context.moment + HELD_TOO >= told->context.moment;
}
