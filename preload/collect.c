/* SPDX-License-Identifier: MIT */
/* Collects the books of processes that have ended. */
#include "collect.h"
#include "books_open.h"
#include "clock.h"
#include "collector.h"
#include "extents.h"
#include "on_stack.h"
#include "proc.h"
#include "rare.h"
#include "sys.h"
#include "telling.h"
#include "undisturbed.h"

/* A few at a time are worth the walk. */
#define COLLECT_AT 8

/* A fork that failed inside libc (daemon, forkpty) leaves its child unborn; one that did not
 * is over after so long. So is the end of a process of which the kernel cannot be asked. */
#define OVER_AFTER 60000000000ull

/* Its pid goes on after exec; whoever fails to exec is back by then. Where there is room, it
 * may take as long as anything. */
#define EXEC_AFTER 1000000000ull

/* Who has written its report so lately is likely to be on its way out still, or not waited for by its
 * parent: where there is room, /proc is not read to find that out. */
#define LEAVING 1000000000ull

/* After a search in vain. */
#define PAUSE 1000000000ull

/* How long one waits for another's collection, ms: it makes room for both. It takes a few; whoever is not
 * scheduled for so long is given up on. */
#define WAIT 1000

/* How many go at once where findings are lost. */
#define OLDEST 32u

/* Processes that ended since the last time; private to each process, so a child begins anew. */
static uint32_t ended_before;

static const struct cw_process *process_at(uint32_t index)
{
	uint32_t tag = atomic_load(&trace_map.extents[index].tag);

	return cw_extent_kind(tag) == CW_EXTENT_PROCESS ? extent_bytes(index) : NULL;
}

/* A pid says something in its own namespace only. */
static bool can_ask(const struct cw_process *p)
{
	return p->pid_ns && p->pid_ns == lineage.pid_ns;
}

static bool is_gone(const struct cw_process *p)
{
	return can_ask(p) && proc_gone(p->pid, p->pid_start);
}

static bool is_older(uint64_t ns, uint64_t age)
{
	return clock_ns() - ns > age;
}

/* Is anything kept of a process that this one forked? It may refer to our sites. */
HOT static bool has_children(uint32_t index)
{
	uint32_t count = extents_end();

	for (uint32_t i = extent_next(0); i < count; i = extent_next(i + 1)) {
		const struct cw_process *p = process_at(i);

		if (p && i != index && p->parent == index)
			return true;
	}
	return false;
}

HOT static void count_out(const struct cw_process *p, uint32_t state, bool findings)
{
	struct cw_header *h = trace_map.header;

	if (state == CW_PROCESS_LIVE || state == CW_PROCESS_UNBORN)
		atomic_fetch_sub(&h->live, 1);
	if (state == CW_PROCESS_LIVE && findings) {
		atomic_fetch_add(&h->findings, 1);
	} else if (state == CW_PROCESS_LIVE) {
		atomic_fetch_add(&h->ended_opened, atomic_load(&p->opened));
		atomic_fetch_add(&h->ended_closed, atomic_load(&p->closed));
		atomic_fetch_add(&h->ended_gone, atomic_load(&p->gone));
		atomic_fetch_add(&h->ended, 1);
	}
}

/* The extents of a record that no reader sees any more. Whoever is killed over it leaves the record, and
 * the next collector does it again. */
static uint32_t finish_giving_back(uint32_t index)
{
	struct cw_process *p = extent_bytes(index);
	uint32_t released;

	/* Looked at after the swap: a child that opens books of its own is either seen here,
	 * or sees that its parent's are gone. */
	if (has_children(index)) {
		released = extents_release_owned(index, true);
		atomic_fetch_or(&p->flags, CW_PROCESS_SITES_ONLY);
		atomic_store(&p->state, CW_PROCESS_CLEAN);
		return released;
	}
	released = extents_release_owned(index, false);
	extent_release(index);
	return released + 1;
}

/* Takes the record out of every reader's sight, and then its extents. For the collector. */
static uint32_t give_back(uint32_t index, uint32_t state, bool findings)
{
	struct cw_process *p = extent_bytes(index);

	if (!collector_is_ours() ||
	    !atomic_compare_exchange_strong(&p->state, &state, CW_PROCESS_NONE))
		return 0;
	count_out(p, state, findings);
	/* At once: who gives up others' findings may be killed over it. */
	if (findings)
		collect_count_loss();
	return finish_giving_back(index);
}

/* Its other threads may run on for a moment after it has written its report, and they are in
 * our hooks. */
static bool has_left(const struct cw_process *p, bool short_of_room)
{
	if (p->ended_by == CW_END_EXEC &&
	    is_older(p->ended, short_of_room ? EXEC_AFTER : OVER_AFTER))
		return true;
	if (!can_ask(p))
		return is_older(p->ended, OVER_AFTER);
	if (!short_of_room && !is_older(p->ended, LEAVING))
		return !proc_exists(p->pid);
	return is_gone(p);
}

static uint32_t collect_one(uint32_t index, const struct cw_process *p,
			    bool short_of_room)
{
	uint32_t state = atomic_load(&p->state);
	bool over = false;

	if (state == CW_PROCESS_NONE)
		return finish_giving_back(index);
	if (state == CW_PROCESS_UNBORN) {
		over = is_older(p->started, OVER_AFTER);
	} else if (state == CW_PROCESS_CLEAN) {
		if (atomic_load(&p->flags) & CW_PROCESS_SITES_ONLY && has_children(index))
			return 0;
		over = has_left(p, short_of_room);
	} else if (state == CW_PROCESS_LIVE && short_of_room) {
		over = is_gone(p) && !process_tells(index, false);
	}
	return over ? give_back(index, state, false) : 0;
}

/* Backwards: children mostly lie behind their parents, and go first. */
HOT static uint32_t collect(bool short_of_room)
{
	uint32_t released = 0;

	for (uint32_t i = extents_end(); i-- > 0;) {
		const struct cw_process *p = process_at(i);

		released +=
			p ? collect_one(i, p, short_of_room) : extent_release_orphan(i);
	}
	return released;
}

struct old {
	uint64_t when; /* it was last known to live */
	uint32_t index;
	uint32_t state;
};

/* Keeps the oldest in order; returns how many there are now. */
static unsigned keep_oldest(struct old *oldest, unsigned n, struct old one)
{
	unsigned at = n;

	while (at && oldest[at - 1].when > one.when)
		at--;
	if (at == OLDEST)
		return n;
	n = n < OLDEST ? n + 1 : n;
	for (unsigned i = n - 1; i > at; i--)
		oldest[i] = oldest[i - 1];
	oldest[at] = one;
	return n;
}

static uint32_t give_up_oldest(void)
{
	uint32_t count = extents_end();
	struct old oldest[OLDEST];
	uint32_t released = 0;
	unsigned n = 0;

	for (uint32_t i = extent_next(0); i < count; i = extent_next(i + 1)) {
		const struct cw_process *p = process_at(i);
		uint32_t state = p ? atomic_load(&p->state) : CW_PROCESS_NONE;

		if ((state == CW_PROCESS_LIVE || state == CW_PROCESS_ENDED) && is_gone(p))
			n = keep_oldest(
				oldest, n,
				(struct old){atomic_load(&p->last_event), i, state});
	}
	for (unsigned i = 0; i < n; i++)
		released += give_back(oldest[i].index, oldest[i].state, true);
	return released;
}

/* Where another has collected meanwhile there may be room already. */
static void make_room(void *made)
{
	bool *room = made;
	enum collector collector = collector_enter(WAIT);
	uint32_t released = 0;

	*room = collector != COLLECTOR_BUSY;
	if (collector == COLLECTOR_OURS) {
		released = collect(true);
		if (!released)
			released = give_up_oldest();
		*room = released != 0;
	}
	if (collector != COLLECTOR_BUSY)
		collector_leave();
}

HOT void collect_before_fork(void)
{
	uint32_t ended =
		atomic_load_explicit(&trace_map.header->ended, memory_order_relaxed);
	struct undisturbed u;

	if (ended - ended_before < COLLECT_AT)
		return;
	ended_before = ended;
	undisturbed_begin(&u);
	if (collector_enter(0) != COLLECTOR_BUSY) {
		collect(false);
		collector_leave();
	}
	undisturbed_end(&u);
}

/* It reads /proc, which takes more stack than the program's thread may have left. */
bool collect_for_room(void)
{
	static _Atomic uint64_t not_before;
	bool room = false;
	struct undisturbed u;

	if (clock_ns() < atomic_load_explicit(&not_before, memory_order_relaxed))
		return false;
	undisturbed_begin(&u);
	on_own_stack(make_room, &room);
	undisturbed_end(&u);
	if (!room)
		atomic_store_explicit(&not_before, clock_ns() + PAUSE,
				      memory_order_relaxed);
	return room;
}

void collect_killed(void)
{
	if (collector_enter(WAIT) == COLLECTOR_BUSY)
		return;
	collect(true);
	collector_leave();
}

bool collect_first_has_ended(void)
{
	const struct cw_process *p = process_at(extent_of_first_process());

	if (!p || p->parent || atomic_load(&p->state) != CW_PROCESS_LIVE)
		return true;
	return is_gone(p);
}

void collect_unborn(uint32_t extent)
{
	/* Else they go when they are over. */
	if (collector_enter(WAIT) == COLLECTOR_BUSY)
		return;
	give_back(extent, CW_PROCESS_UNBORN, false);
	collector_leave();
}

void collect_count_loss(void)
{
	uint32_t first = extent_of_first_process();
	const struct cw_process *p = process_at(first);

	if (p && !p->parent && atomic_load(&p->state) == CW_PROCESS_LIVE)
		atomic_fetch_add(&((struct cw_process *)extent_bytes(first))
					  ->lost[CW_LOST_PROCESSES],
				 1);
	else
		books_lost(CW_LOST_PROCESSES);
}
