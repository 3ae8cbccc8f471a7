/* SPDX-License-Identifier: MIT */
/* Faults: what happened to sockets that need not be open any more. */
#include "cleanup.h"
#include "json_parts.h"
#include "trace/findings.h"

/* One kind of fault at one place, in however many processes. */
struct fault {
	const struct fault_place *place; /* one of them */
	uint64_t count;
	uint64_t key; /* equal: the same stacks */
	uint64_t ago; /* FAULT_EXHAUSTED: ns from the first to the end; 0: not known */
	/* FAULT_CLOSED_BY_GC: how long in CLOSE_WAIT; the longest, ns; 0: not told */
	_Atomic uint32_t dwell[CW_DWELL_BUCKETS];
	uint64_t dwell_max;
};

static uint64_t key_of(struct groups *groups, const struct fault_place *place)
{
	const struct trace_view *view = &groups->subjects[place->subject].view;
	uint64_t key = hash_word(HASH_SEED, place->kind);

	for (uint32_t i = 0; i < FAULT_SITES; i++)
		key = hash_word(key, stack_hash(groups->memo, view, place->sites[i]));
	return key;
}

static uint64_t first_ago(const struct subject *subject)
{
	uint64_t first = subject->process->exhausted_first;
	uint64_t moment = subject->context.moment;

	return first && first < moment ? moment - first : 0;
}

static uint32_t collect(const struct json_report *report, struct fault *faults)
{
	const struct fault_places *places = &report->request->findings->fault_places;
	struct groups *groups = report->groups;
	uint32_t count = 0;

	for (uint32_t i = 0; i < places->count; i++) {
		const struct fault_place *place = &places->items[i];

		if (!place->count || place->suppressed)
			continue;
		faults[count++] = (struct fault){
			.place = place,
			.count = place->count,
			.key = key_of(groups, place),
			.ago = place->kind == FAULT_EXHAUSTED
				       ? first_ago(&groups->subjects[place->subject])
				       : 0,
		};
	}
	return count;
}

static int by_stacks(const void *left, const void *right)
{
	const struct fault *a = left;
	const struct fault *b = right;

	if (a->place->kind != b->place->kind)
		return a->place->kind < b->place->kind ? -1 : 1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return (a->place->subject > b->place->subject) -
	       (a->place->subject < b->place->subject);
}

static void add_dwell(struct fault *fault, const struct fault_place *place,
		      const struct groups *groups)
{
	const struct cw_stats *stats =
		trace_stats(&groups->subjects[place->subject].view, place->stats);

	if (place->kind != FAULT_CLOSED_BY_GC || !stats || !place->longest)
		return;
	for (uint32_t i = 0; i < CW_DWELL_BUCKETS; i++)
		fault->dwell[i] += stats->collected_dwell[i];
	if (place->longest > fault->dwell_max)
		fault->dwell_max = place->longest;
}

/* Those of one kind that several processes had at the same stacks are one. Returns how many are
 * left. */
static uint32_t merge(const struct groups *groups, struct fault *faults, uint32_t count)
{
	uint32_t kept = 0;

	if (count)
		qsort(faults, count, sizeof(*faults), by_stacks);
	for (uint32_t i = 0; i < count; i++) {
		struct fault *last = kept ? &faults[kept - 1] : NULL;

		if (!last || last->key != faults[i].key) {
			faults[kept++] = faults[i];
			add_dwell(&faults[kept - 1], faults[i].place, groups);
			continue;
		}
		add_dwell(last, faults[i].place, groups);
		last->count += faults[i].count;
		if (faults[i].ago > last->ago)
			last->ago = faults[i].ago;
	}
	return kept;
}

/* What a place's sites are, by the kind of its fault. */
static const char *const roles[FAULT_KINDS][FAULT_SITES] = {
	[FAULT_SLOW_CLOSE] = {"open", "close"},
	[FAULT_CLOSED_BY_GC] = {"open", "close"},
	[FAULT_EOF_SPIN] = {"eof", "open"},
	[FAULT_DOUBLE_CLOSE] = {"close", "close_again"},
};

static json_t *stacks_json(const struct json_report *report,
			   const struct fault_place *place)
{
	const struct subject *subject = &report->groups->subjects[place->subject];
	json_t *stacks =
		json_pack("{s:n, s:n, s:n, s:n}", "open", "eof", "close", "close_again");

	for (uint32_t i = 0; i < FAULT_SITES; i++)
		if (roles[place->kind][i])
			json_put(&stacks, roles[place->kind][i],
				 json_stack(report, subject, place->sites[i]));
	return stacks;
}

static json_t *fault_json(const struct json_report *report, const struct fault *fault)
{
	json_t *object = json_pack(
		"{s:s, s:o, s:o, s:o}", "name",
		fault_name((enum fault_kind)fault->place->kind), "count",
		json_number(fault->count), "stacks", stacks_json(report, fault->place),
		"first_ms_before_end", fault->ago ? json_ms(fault->ago) : json_null());

	json_put_dwell(&object, fault->dwell, fault->dwell_max);
	return object;
}

json_t *json_faults(const struct json_report *report)
{
	uint32_t room =
		report->groups ? report->request->findings->fault_places.count : 0;
	AUTO_FREE struct fault *faults = calloc(room + 1, sizeof(*faults));
	json_t *list = json_array();
	uint32_t count;

	if (!faults) {
		json_decref(list);
		return NULL;
	}
	count = room ? merge(report->groups, faults, collect(report, faults)) : 0;
	for (uint32_t i = 0; i < count; i++)
		json_add(&list, fault_json(report, &faults[i]));
	return list;
}
