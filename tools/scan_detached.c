/* SPDX-License-Identifier: MIT */
/* Held TCP sockets that no table lists. */
#include <netinet/tcp.h>
#include <stdlib.h>

#include "scan_parts.h"

/* All but those that no descriptor can name: TIME_WAIT, and a connection half made (12,
 * TCP_NEW_SYN_RECV of the kernel's <net/tcp_states.h>). */
#define HELD_STATES (~0u & ~(1u << TCP_TIME_WAIT) & ~(1u << 12))

static bool is_counted(const struct scan_process *process, uint64_t inode)
{
	for (size_t i = 0; process && i < process->detached_count; i++)
		if (process->detached[i].inode == inode)
			return true;
	return false;
}

static void add(struct scan_work *work, struct scan_process *process,
		const struct unmatched *unmatched)
{
	struct scan_detached *detached;

	if (is_counted(process, unmatched->inode))
		return;
	detached = scan_grow(work, &process->detached, &process->detached_count,
			     &process->detached_room, sizeof(*detached));
	if (detached)
		*detached = (struct scan_detached){unmatched->inode, unmatched->fd};
}

static void look(struct scan_work *work, const struct proc_entry *entry,
		 const struct unmatched *unmatched, const struct looked *looked)
{
	const struct scan_source *source = work->source;
	struct scan *scan = work->scan;
	struct scan_process *process = NULL;
	uint32_t state = 0;
	enum unlisted found = source->unlisted(source->context, entry, unmatched->fd,
					       unmatched->inode, &state);

	if (found == UNLISTED_ALIVE && scan->request.states & 1u << state)
		scan->hidden.elsewhere++;
	if (found == UNLISTED_DEAD || found == UNLISTED_UNTOLD)
		process = scan_process_of(work, entry, looked);
	if (process && found == UNLISTED_DEAD)
		add(work, process, unmatched);
	if (process && found == UNLISTED_UNTOLD)
		process->untold++;
}

/* One process's: [first, end). */
static void look_at_process(struct scan_work *work, const struct socket_table *all,
			    size_t first, size_t end)
{
	const struct unmatched *unmatched = work->unmatched;
	const struct looked *looked =
		scan_looked_find(work, work->looked_count, unmatched[first].pid);
	struct proc_entry entry = {.dir = -1};

	for (size_t i = first; looked && i < end; i++) {
		if (socket_table_find(all, unmatched[i].inode))
			continue;
		if (entry.dir < 0 &&
		    proc_entry_open(&entry, work->source->proc, unmatched[i].pid) < 0)
			return;
		if (entry.start == unmatched[i].start)
			look(work, &entry, &unmatched[i], looked);
	}
	proc_entry_close(&entry);
}

void scan_find_detached(struct scan_work *work)
{
	static const struct diag_wanted wanted = {HELD_STATES, .brief = true};
	struct socket_table all = {0};
	uint64_t asked, refused;
	size_t end;

	if (!work->unmatched_count ||
	    scan_query(work, &all, &wanted, &asked, &refused) < 0) {
		socket_table_free(&all);
		return;
	}
	socket_table_sort(&all);
	scan_looked_sort(work);
	for (size_t i = 0; i < work->unmatched_count; i = end) {
		for (end = i + 1; end < work->unmatched_count &&
				  work->unmatched[end].pid == work->unmatched[i].pid;
		     end++)
			;
		look_at_process(work, &all, i, end);
	}
	socket_table_free(&all);
}
