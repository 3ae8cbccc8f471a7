/* Judging all sockets of some processes and sorting them by cause. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "group.h"
#include "group_shared.h"
#include "sort.h"

/* Sockets that may appear between counting and judging: other threads run on. */
#define SLACK 64u

void groups_each(const struct subject *subject, enum cw_extent_kind kind,
		 void (*visit)(void *context, cw_ref ref), void *context)
{
	const struct trace_view *view = &subject->view;
	size_t size = kind == CW_EXTENT_STATS ? sizeof(struct cw_stats)
					      : sizeof(struct cw_socket);

	for (uint32_t index = 0; index < view->extent_count; index++) {
		uint32_t owner;
		uint32_t count;

		if (trace_extent(view, index, &owner) != kind || owner != subject->extent)
			continue;
		count = (uint32_t)(trace_extent_used(view, index) / size);
		for (uint32_t n = 0; n < count; n++)
			visit(context, trace_record_ref(index, n, size));
	}
}

struct count {
	const struct trace_view *view;
	uint32_t sockets;
	uint32_t places;
};

static void count_place(void *context, cw_ref ref)
{
	struct count *count = context;

	(void)ref;
	count->places++;
}

static void count_socket(void *context, cw_ref ref)
{
	struct count *count = context;
	const struct cw_socket *socket = trace_socket(count->view, ref);

	if (socket && cw_word_refs(socket->word))
		count->sockets++;
}

static size_t align16(size_t size)
{
	return (size + 15) & ~(size_t)15;
}

/* Where each array lies in the one mapping. */
struct layout {
	size_t items, runs, holders, scratch, memo, by_exit, places, size;
};

static size_t place(struct layout *layout, size_t count, size_t size)
{
	size_t at = layout->size;

	layout->size += align16(count * size);
	return at;
}

/* Not malloc: the heap of a process that dies may be broken or locked. */
static int allocate(struct groups *groups, const struct count *count)
{
	size_t sockets = count->sockets + SLACK;
	size_t places = count->places + SLACK;
	struct layout l = {0};
	char *memory;

	l.items = place(&l, sockets, sizeof(struct group_item));
	l.runs = place(&l, sockets, sizeof(struct group_run));
	if (groups->subject_count > 1)
		l.holders = place(&l, sockets, sizeof(struct group_holder));
	l.scratch = place(&l, sockets, sizeof(uint64_t));
	l.memo = place(&l, 1, sizeof(struct stack_memo));
	l.by_exit = place(&l, (size_t)groups->subject_count * CW_LATE_RING,
			  sizeof(struct group_by_exit));
	l.places = place(&l, places, sizeof(struct group_place));
	memory = mmap(NULL, l.size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	groups->memory = memory;
	groups->memory_size = l.size;
	groups->items = (struct group_item *)(memory + l.items);
	groups->runs = (struct group_run *)(memory + l.runs);
	if (groups->subject_count > 1)
		groups->holders = (struct group_holder *)(memory + l.holders);
	groups->scratch = (uint64_t *)(memory + l.scratch);
	groups->memo = (struct stack_memo *)(memory + l.memo);
	groups->by_exit = (struct group_by_exit *)(memory + l.by_exit);
	groups->places = (struct group_place *)(memory + l.places);
	groups->place_room = (uint32_t)places;
	return 0;
}

static cw_ref cause_site(const struct trace_view *view, const struct cw_socket *socket,
			 enum verdict verdict)
{
	struct cw_aside aside;

	switch (verdict) {
	case VERDICT_EOF_IGNORED:
	case VERDICT_HALF_CLOSED:
		return socket->eof_site;
	case VERDICT_RESET_IGNORED:
		trace_aside_copy(view, socket, &aside);
		return aside.reset_site;
	case VERDICT_SHUTDOWN_UNCLOSED:
		trace_aside_copy(view, socket, &aside);
		return aside.shutdown_site;
	case VERDICT_EOF_UNREAD:
	case VERDICT_UNKNOWN:
		/* In an event loop all are opened at one place: who reads them differs.
		 */
		return socket->first_read_site;
	default:
		return 0;
	}
}

static bool told_matters(const struct cw_socket *socket, enum verdict verdict)
{
	return socket->flags & CW_SOCKET_TOLD &&
	       (verdict == VERDICT_EOF_UNREAD ||
		(verdict == VERDICT_RESET_IGNORED && !(socket->flags & CW_SOCKET_RESET) &&
		 socket->flags & CW_SOCKET_TOLD_ERROR));
}

static uint64_t cause_key(struct groups *groups, const struct trace_view *view,
			  const struct cw_socket *socket, enum verdict verdict, bool leak)
{
	uint64_t key = hash_word(HASH_SEED, verdict << 1 | leak);

	key = hash_word(key, socket->origin);
	key = hash_word(key, stack_hash(groups->memo, view, socket->open_site));
	key = hash_word(
		key, stack_hash(groups->memo, view, cause_site(view, socket, verdict)));
	/* Whoever was told went another way than who was not. */
	return hash_word(key, told_matters(socket, verdict));
}

struct judging {
	struct groups *groups;
	struct subject *subject;
	uint32_t room;
	bool with_open;
};

/* What a child inherited and never used is its parent's to be counted, if that is here too. */
static bool is_counted(const struct judging *judging, const struct cw_socket *socket)
{
	return judging->groups->subject_count == 1 ||
	       socket->origin != CW_ORIGIN_INHERITED;
}

static uint8_t item_flags(const struct judging *judging, const struct cw_socket *socket,
			  enum verdict verdict, const struct verdict_detail *detail)
{
	unsigned flags = 0;

	if (detail->closed_by_exit)
		flags |= ITEM_BY_EXIT;
	if (detail->reset_unlearned)
		flags |= ITEM_UNLEARNED;
	if (verdict == VERDICT_OPEN && socket->flags & CW_SOCKET_LISTENING)
		flags |= ITEM_LISTENING;
	if (verdict == VERDICT_OPEN && !is_counted(judging, socket))
		flags |= ITEM_UNCOUNTED;
	return (uint8_t)flags;
}

/* Counts the socket. Returns whether it belongs into a group. */
static bool count_verdict(const struct judging *judging, const struct cw_socket *socket,
			  enum verdict verdict, const struct verdict_detail *detail)
{
	struct group_totals *totals = &judging->groups->totals;

	if (verdict < VERDICT_CLOSED && socket->eofs >= CW_EOF_SPIN)
		totals->spinning++;
	if (detail->young) {
		totals->young++;
		totals->undated += detail->undated;
		return false;
	}
	if (detail->leak) {
		totals->leaks++;
		totals->leaked_by_exit += detail->closed_by_exit;
		judging->subject->leaks++;
		return true;
	}
	if (verdict != VERDICT_OPEN || is_counted(judging, socket)) {
		totals->by_verdict[verdict]++;
		if (verdict == VERDICT_OPEN && socket->flags & CW_SOCKET_LISTENING)
			totals->listening++;
	}
	return verdict == VERDICT_UNKNOWN || verdict == VERDICT_IDLE_CLIENT ||
	       (verdict < VERDICT_CLOSED && judging->with_open);
}

static void add_holder(const struct judging *judging, const struct cw_socket *socket)
{
	struct groups *groups = judging->groups;

	if (groups->holders && socket->cookie && !(socket->flags & CW_SOCKET_LATE) &&
	    groups->holder_count < judging->room)
		groups->holders[groups->holder_count++] = (struct group_holder){
			.cookie = socket->cookie,
			.subject = (uint32_t)(judging->subject - groups->subjects),
		};
}

static void judge_socket(void *context, cw_ref ref)
{
	struct judging *judging = context;
	struct groups *groups = judging->groups;
	const struct subject *subject = judging->subject;
	struct cw_socket socket;
	struct verdict_detail detail;
	enum verdict verdict;

	if (!trace_socket_copy(&subject->view, ref, &socket))
		return;
	verdict = verdict_of(&socket, trace_socket_look(&subject->view, &socket),
			     &subject->context, &detail);
	if (verdict < VERDICT_CLOSED)
		add_holder(judging, &socket);
	if (groups->item_count == judging->room ||
	    !count_verdict(judging, &socket, verdict, &detail))
		return;
	groups->items[groups->item_count++] = (struct group_item){
		.key = cause_key(groups, &subject->view, &socket, verdict, detail.leak),
		.dwell = detail.dwell,
		.cookie = socket.cookie,
		.socket = ref,
		.generation = cw_word_generation(socket.word),
		.subject = (uint32_t)(subject - groups->subjects),
		.verdict = (uint8_t)verdict,
		.bound = (uint8_t)detail.bound,
		.leak = detail.leak,
		.flags = item_flags(judging, &socket, verdict, &detail),
	};
}

static int ascending(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* By cause, the oldest of each first. */
static int compare_items(const void *left, const void *right, const void *context)
{
	const struct group_item *a = left;
	const struct group_item *b = right;

	(void)context;
	if (a->key != b->key)
		return ascending(a->key, b->key);
	if (a->dwell != b->dwell)
		return ascending(b->dwell, a->dwell);
	if (a->subject != b->subject)
		return ascending(a->subject, b->subject);
	return ascending(a->socket, b->socket);
}

static uint64_t run_order(const struct groups *groups, const struct group_run *run)
{
	const struct group_item *item = &groups->items[run->first];

	return item->leak ? 0 : 1u + item->verdict;
}

/* Leaks first, then what is no leak, verdict by verdict; in each the largest and oldest. */
static int compare_runs(const void *left, const void *right, const void *context)
{
	const struct groups *groups = context;
	const struct group_run *a = left;
	const struct group_run *b = right;
	uint64_t order_a = run_order(groups, a);
	uint64_t order_b = run_order(groups, b);

	if (order_a != order_b)
		return ascending(order_a, order_b);
	if (a->count != b->count)
		return ascending(b->count, a->count);
	if (a->oldest != b->oldest)
		return ascending(b->oldest, a->oldest);
	return ascending(a->first, b->first);
}

static void find_runs(struct groups *groups)
{
	for (uint32_t i = 0; i < groups->item_count; i++) {
		struct group_run *run = groups->runs + groups->run_count - 1;

		if (i && groups->items[i].key == groups->items[i - 1].key) {
			run->count++;
			continue;
		}
		groups->runs[groups->run_count++] = (struct group_run){
			.first = i, .count = 1, .oldest = groups->items[i].dwell};
	}
}

int groups_build(struct groups *groups, struct subject *subjects, uint32_t subject_count,
		 bool with_open)
{
	struct count count = {0};
	struct judging judging = {.groups = groups, .with_open = with_open};
	int error;

	memset(groups, 0, sizeof(*groups));
	groups->subjects = subjects;
	groups->subject_count = subject_count;
	for (uint32_t i = 0; i < subject_count; i++) {
		count.view = &subjects[i].view;
		groups_each(&subjects[i], CW_EXTENT_SOCKETS, count_socket, &count);
		groups_each(&subjects[i], CW_EXTENT_STATS, count_place, &count);
		subjects[i].leaks = 0;
	}
	error = allocate(groups, &count);
	if (error)
		return error;
	judging.room = count.sockets + SLACK;
	for (uint32_t i = 0; i < subject_count; i++) {
		judging.subject = &subjects[i];
		groups_each(&subjects[i], CW_EXTENT_SOCKETS, judge_socket, &judging);
	}
	group_merge_shared(groups);
	groups->comparisons += sort_heap(groups->items, groups->item_count,
					 sizeof(struct group_item), compare_items, NULL);
	find_runs(groups);
	groups->comparisons += sort_heap(groups->runs, groups->run_count,
					 sizeof(struct group_run), compare_runs, groups);
	return 0;
}

void groups_release(struct groups *groups)
{
	if (groups->memory)
		munmap(groups->memory, groups->memory_size);
	groups->memory = NULL;
}

bool groups_socket(const struct groups *groups, const struct group_item *item,
		   struct cw_socket *copy)
{
	return trace_socket_copy(&groups->subjects[item->subject].view, item->socket,
				 copy) &&
	       cw_word_generation(copy->word) == item->generation;
}

static void add_to_group(const struct groups *groups, struct group *group,
			 const struct group_item *item, const struct cw_socket *socket)
{
	if (!group->count) {
		group->example = *socket;
		group->subject = &groups->subjects[item->subject];
		trace_aside_copy(&group->subject->view, socket, &group->aside);
		group->oldest = item->dwell;
		group->bound = (enum dwell_bound)item->bound;
		group->reset_unlearned = item->flags & ITEM_UNLEARNED;
	}
	group->count++;
	group->newest = item->dwell;
	group->bytes_in += socket->bytes_in;
	group->bytes_out += socket->bytes_out;
	group->never_read += !socket->first_read_site;
	group->never_sent += !socket->first_write_site;
	group->by_exit += item->flags & ITEM_BY_EXIT ? 1 : 0;
	group->passed_on += socket->flags & CW_SOCKET_SENT ? 1 : 0;
	group->heirs_closed += cw_heir_closed(socket) ? 1 : 0;
}

bool groups_describe(struct groups *groups, uint32_t index, struct group *group)
{
	const struct group_run *run = &groups->runs[index];
	const struct group_item *items = &groups->items[run->first];

	memset(group, 0, sizeof(*group));
	group->run = run;
	group->verdict = (enum verdict)items->verdict;
	group->leak = items->leak;
	for (uint32_t i = 0; i < run->count; i++) {
		struct cw_socket socket;

		if (groups_socket(groups, &items[i], &socket))
			add_to_group(groups, group, &items[i], &socket);
	}
	return group->count != 0;
}

void groups_suppress(struct groups *groups, uint32_t index)
{
	struct group_run *run = &groups->runs[index];
	const struct group_item *items = &groups->items[run->first];

	if (run->mark == RUN_SUPPRESSED)
		return;
	run->mark = RUN_SUPPRESSED;
	for (uint32_t i = 0; i < run->count; i++) {
		group_uncount(groups, &items[i]);
		groups->totals.suppressed += items[i].flags & ITEM_UNCOUNTED ? 0 : 1;
		if (items[i].leak)
			groups->subjects[items[i].subject].leaks--;
	}
}
