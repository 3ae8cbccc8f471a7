/* SPDX-License-Identifier: MIT */
/* Sites that opened sockets, whatever became of those, and the faults that were seen there. */
#include "cleanup.h"
#include "json_parts.h"

#define SITES_SHOWN 1000u

/* One place. */
struct site {
	uint64_t hash;
	uint64_t opened;
	uint32_t first; /* what siblings_next() finds it by */
};

/* In the order of the report. */
enum fault_kind {
	FAULT_SLOW_CLOSE,
	FAULT_DOUBLE_CLOSE,
	FAULT_EOF_SPIN,
	FAULT_EXHAUSTED,
};

struct fault {
	enum fault_kind kind;
	uint32_t first;   /* SLOW_CLOSE, EOF_SPIN: as a site's */
	uint32_t subject; /* DOUBLE_CLOSE */
	uint64_t count;
	uint64_t key; /* equal: the same stacks */
	uint64_t ago; /* EXHAUSTED: ns from the first to the end; 0: not known */
};

struct places {
	const struct json_report *report;
	struct site *sites; /* owned */
	uint32_t site_count;
	struct fault *faults; /* owned */
	uint32_t fault_count;
};

static void add_fault(struct places *places, const struct fault *fault)
{
	if (fault->count)
		places->faults[places->fault_count++] = *fault;
}

static void collect_sites(struct places *places)
{
	struct groups *groups = places->report->groups;
	struct siblings siblings;
	uint32_t next = 0;

	for (;;) {
		uint32_t first = next;

		if (!siblings_next(groups, &next, &siblings))
			return;
		places->sites[places->site_count++] = (struct site){
			.hash = siblings.hash, .opened = siblings.opened, .first = first};
		add_fault(places, &(struct fault){.kind = FAULT_SLOW_CLOSE,
						  .first = first,
						  .count = siblings.slow,
						  .key = siblings.hash});
		add_fault(places, &(struct fault){.kind = FAULT_EOF_SPIN,
						  .first = first,
						  .count = siblings.spins,
						  .key = siblings.hash});
	}
}

static void collect_faults(struct places *places, uint32_t index)
{
	const struct groups *groups = places->report->groups;
	const struct subject *subject = &groups->subjects[index];
	const struct cw_process *process = subject->process;
	uint64_t moment = subject->context.moment;
	uint64_t exhausted = process->exhausted_first;
	uint64_t key =
		stack_hash(groups->memo, &subject->view, process->double_close_earlier);

	key = hash_word(key, stack_hash(groups->memo, &subject->view,
					process->double_close_site));
	add_fault(places, &(struct fault){.kind = FAULT_DOUBLE_CLOSE,
					  .subject = index,
					  .count = process->double_closes,
					  .key = key});
	add_fault(places, &(struct fault){.kind = FAULT_EXHAUSTED,
					  .count = process->exhausted,
					  .ago = exhausted && exhausted < moment
							 ? moment - exhausted
							 : 0});
}

static int ascending(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int largest_first(const void *left, const void *right)
{
	const struct site *a = left;
	const struct site *b = right;

	if (a->opened != b->opened)
		return ascending(b->opened, a->opened);
	return ascending(a->hash, b->hash);
}

static int by_stacks(const void *left, const void *right)
{
	const struct fault *a = left;
	const struct fault *b = right;

	if (a->kind != b->kind)
		return ascending(a->kind, b->kind);
	if (a->key != b->key)
		return ascending(a->key, b->key);
	return ascending(a->subject, b->subject);
}

/* Those of one kind that several processes had at the same stacks are one. */
static void merge_faults(struct places *places)
{
	struct fault *faults = places->faults;
	uint32_t kept = 0;

	if (places->fault_count)
		qsort(faults, places->fault_count, sizeof(*faults), by_stacks);
	for (uint32_t i = 0; i < places->fault_count; i++) {
		struct fault *last = kept ? &faults[kept - 1] : NULL;

		if (!last || last->kind != faults[i].kind || last->key != faults[i].key) {
			faults[kept++] = faults[i];
			continue;
		}
		last->count += faults[i].count;
		if (faults[i].ago > last->ago)
			last->ago = faults[i].ago;
	}
	places->fault_count = kept;
}

/* The stacks of a fault; a site of 0 gives none. */
struct fault_stacks {
	const struct subject *open_subject, *subject;
	cw_ref open, eof, close, close_again;
};

static struct fault_stacks stacks_of(const struct places *places,
				     const struct fault *fault)
{
	struct groups *groups = places->report->groups;
	struct fault_stacks stacks = {.open_subject = groups->subjects,
				      .subject = &groups->subjects[fault->subject]};
	struct sibling_fault seen;
	struct siblings siblings;
	uint32_t next = fault->first;

	if (fault->kind == FAULT_DOUBLE_CLOSE) {
		stacks.close = stacks.subject->process->double_close_earlier;
		stacks.close_again = stacks.subject->process->double_close_site;
	}
	if (fault->kind != FAULT_SLOW_CLOSE && fault->kind != FAULT_EOF_SPIN)
		return stacks;
	siblings_next(groups, &next, &siblings);
	seen = fault->kind == FAULT_SLOW_CLOSE ? siblings.slowest : siblings.spinning;
	stacks.open = siblings.open_site;
	stacks.open_subject = &groups->subjects[siblings.subject];
	stacks.subject = &groups->subjects[seen.subject];
	*(fault->kind == FAULT_SLOW_CLOSE ? &stacks.close : &stacks.eof) = seen.site;
	return stacks;
}

static json_t *fault_json(const struct places *places, const struct fault *fault)
{
	static const char *const names[] = {
		[FAULT_SLOW_CLOSE] = "slow-close",
		[FAULT_DOUBLE_CLOSE] = "double-close",
		[FAULT_EOF_SPIN] = "eof-spin",
		[FAULT_EXHAUSTED] = "descriptors-exhausted",
	};
	const struct json_report *report = places->report;
	struct fault_stacks stacks = stacks_of(places, fault);

	return json_pack("{s:s, s:o, s:{s:o, s:o, s:o, s:o}, s:o}", "name",
			 names[fault->kind], "count", json_number(fault->count), "stacks",
			 "open", json_stack(report, stacks.open_subject, stacks.open),
			 "eof", json_stack(report, stacks.subject, stacks.eof), "close",
			 json_stack(report, stacks.subject, stacks.close), "close_again",
			 json_stack(report, stacks.subject, stacks.close_again),
			 "first_ms_before_end",
			 fault->ago ? json_ms(fault->ago) : json_null());
}

static json_t *site_json(const struct places *places, const struct site *site)
{
	const struct json_report *report = places->report;
	struct siblings siblings;
	uint32_t next = site->first;
	json_t *object;

	siblings_next(report->groups, &next, &siblings);
	object = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "stack",
			   json_stack(report, &report->groups->subjects[siblings.subject],
				      siblings.open_site),
			   "origin", json_origin(siblings.origin), "opened",
			   json_number(siblings.opened), "closed",
			   json_number(siblings.closed), "gone",
			   json_number(siblings.gone), "eof_seen",
			   json_number(siblings.eof_seen));
	json_put_dwell(report, &object, &siblings);
	return object;
}

static void put_sites(struct places *places, json_t **root)
{
	uint32_t count = places->site_count;
	uint32_t shown = count < SITES_SHOWN ? count : SITES_SHOWN;
	json_t *list = json_array();

	if (count)
		qsort(places->sites, count, sizeof(*places->sites), largest_first);
	for (uint32_t i = 0; i < shown; i++)
		json_add(&list, site_json(places, &places->sites[i]));
	json_put(root, "sites", list);
	json_put(root, "sites_omitted", json_integer(count - shown));
}

static void put_faults(struct places *places, json_t **root)
{
	json_t *list = json_array();

	merge_faults(places);
	for (uint32_t i = 0; i < places->fault_count; i++)
		json_add(&list, fault_json(places, &places->faults[i]));
	json_put(root, "faults", list);
}

void json_put_places(const struct json_report *report, json_t **root)
{
	struct groups *groups = report->groups;
	size_t subjects = groups ? groups->subject_count : 0;
	size_t room = groups ? groups->place_room : 0;
	AUTO_FREE struct site *sites = calloc(room + 1, sizeof(*sites));
	AUTO_FREE struct fault *faults =
		calloc(2 * (room + subjects) + 1, sizeof(*faults));
	struct places places = {.report = report, .sites = sites, .faults = faults};

	if (!sites || !faults) {
		json_put(root, "sites", NULL);
		return;
	}
	if (groups)
		collect_sites(&places);
	for (uint32_t i = 0; i < subjects; i++)
		collect_faults(&places, i);
	put_sites(&places, root);
	put_faults(&places, root);
}
