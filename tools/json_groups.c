/* SPDX-License-Identifier: MIT */
/* Groups in an order that age and size do not change, so that two runs can be compared. */
#include <stdio.h>

#include "cleanup.h"
#include "json_parts.h"
#include "trace/group_words.h"
#include "trace/stack_names.h"

/* A group that is made and has not found its place yet. */
struct made {
	json_t *json; /* owned */
	bool leak;
	enum verdict verdict;
	uint32_t fingerprint;
	uint64_t key;
};

json_t *json_origin(unsigned origin)
{
	static const char *const names[CW_ORIGIN_KINDS] = {
		[CW_ORIGIN_ACCEPT] = "accept",
		[CW_ORIGIN_CONNECT] = "connect",
		[CW_ORIGIN_SOCKET] = "socket",
		[CW_ORIGIN_SOCKETPAIR] = "socketpair",
		[CW_ORIGIN_INHERITED] = "inherited",
		[CW_ORIGIN_RECEIVED] = "received",
		[CW_ORIGIN_ADOPTED] = "adopted",
	};

	if (origin >= CW_ORIGIN_KINDS || !names[origin])
		return json_string("unknown");
	return json_string(names[origin]);
}

void json_put_dwell(json_t **object, const _Atomic uint32_t dwell[CW_DWELL_BUCKETS],
		    uint64_t max)
{
	static const struct {
		const char *key;
		unsigned percent;
	} told[] = {{"dwell_p50_ms", 50}, {"dwell_p90_ms", 90}, {"dwell_p99_ms", 99}};
	bool known = dwell_within(dwell, max, 100);

	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++)
		json_put(object, told[i].key,
			 known ? json_ms(dwell_within(dwell, max, told[i].percent))
			       : json_null());
	json_put(object, "dwell_max_ms", known ? json_ms(max) : json_null());
}

void json_put_siblings_dwell(const struct json_report *report, json_t **object,
			     const struct siblings *siblings)
{
	json_put_dwell(object, siblings->dwell,
		       report->groups->totals.leaked_by_exit ? 0 : siblings->dwell_max);
}

static json_t *siblings_json(const struct json_report *report,
			     const struct siblings *siblings)
{
	json_t *object = json_pack("{s:o, s:o}", "opened", json_number(siblings->opened),
				   "closed", json_number(siblings->closed));

	json_put_siblings_dwell(report, &object, siblings);
	return object;
}

static json_t *closers_json(const struct json_report *report,
			    const struct siblings *siblings)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < siblings->closer_count; i++) {
		const struct sibling_closer *closer = &siblings->closers[i];
		const struct subject *subject =
			&report->groups->subjects[closer->subject];

		json_add(&list,
			 json_pack("{s:o, s:o}", "count", json_number(closer->count),
				   "stack", json_stack(report, subject, closer->site)));
	}
	return list;
}

static json_t *stacks_json(const struct json_report *report, const struct group *group)
{
	const struct subject *subject = group->subject;
	const struct cw_socket *socket = &group->example;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "open",
			 json_stack(report, subject, socket->open_site), "first_read",
			 json_stack(report, subject, socket->first_read_site),
			 "first_write",
			 json_stack(report, subject, socket->first_write_site), "eof",
			 json_stack(report, subject, socket->eof_site), "told",
			 json_stack(report, subject, group->aside.told_site), "shutdown",
			 json_stack(report, subject, group->aside.shutdown_site), "reset",
			 json_stack(report, subject, group->aside.reset_site), "close",
			 json_stack(report, subject, group->aside.close_site));
}

static const char *bound_name(enum dwell_bound bound)
{
	switch (bound) {
	case DWELL_EXACT:
		return "exact";
	case DWELL_AT_LEAST:
		return "at_least";
	case DWELL_AT_MOST:
		return "at_most";
	default:
		return "none";
	}
}

static void put_words(const struct text_sink *sink, const void *context)
{
	group_words_put(sink, context, false);
}

static json_t *dwell_json(const struct group *group, uint64_t ns)
{
	return group->bound == DWELL_NONE ? json_null() : json_ms(ns);
}

static json_t *head_json(const struct group *group, uint32_t fingerprint)
{
	char digits[16];

	snprintf(digits, sizeof(digits), "%08x", (unsigned)fingerprint);
	return json_pack(
		"{s:s, s:b, s:o, s:o, s:o, s:o, s:s, s:o, s:s, s:s, s:b, s:o, s:o}",
		"verdict", verdict_name(group->verdict), "leak", group->leak, "count",
		json_number(group->count), "origin", json_origin(group->example.origin),
		"oldest_dwell_ms", dwell_json(group, group->oldest), "newest_dwell_ms",
		dwell_json(group, group->newest), "dwell_bound", bound_name(group->bound),
		"explanation", json_written(put_words, group), "help",
		group_words_help(group), "fingerprint", digits, "known",
		group->run->mark == RUN_KNOWN, "received_bytes",
		json_number(group->bytes_in), "sent_bytes",
		json_number(group->bytes_out));
}

static json_t *group_json(const struct json_report *report, const struct group *group,
			  uint32_t fingerprint)
{
	json_t *object = head_json(group, fingerprint);
	json_t *sockets = json_sockets(report, group);
	size_t shown = json_array_size(sockets);
	struct siblings siblings;

	siblings_of(report->groups, group->subject, group->example.open_site, &siblings);
	json_put(&object, "stacks", stacks_json(report, group));
	json_put(&object, "history", json_history(report, group));
	json_put(&object, "closed_by", closers_json(report, &siblings));
	json_put(&object, "siblings", siblings_json(report, &siblings));
	json_put(&object, "sockets", sockets);
	json_put(&object, "sockets_omitted",
		 json_number(group->count > shown ? group->count - shown : 0));
	return object;
}

static int ascending(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_name(const void *left, const void *right)
{
	const struct made *a = left;
	const struct made *b = right;

	if (a->leak != b->leak)
		return a->leak ? -1 : 1;
	if (a->verdict != b->verdict)
		return ascending(a->verdict, b->verdict);
	if (a->fingerprint != b->fingerprint)
		return ascending(a->fingerprint, b->fingerprint);
	return ascending(a->key, b->key);
}

static bool make(const struct json_report *report, uint32_t run, struct made *made)
{
	const struct json_request *request = report->request;
	struct groups *groups = report->groups;
	struct naming naming = {.symbolizer = request->symbolizer};
	struct group group;

	if (groups->runs[run].mark == RUN_SUPPRESSED ||
	    !groups_describe(groups, run, &group))
		return false;
	naming.view = &group.subject->view;
	*made = (struct made){
		.leak = group.leak,
		.verdict = group.verdict,
		.fingerprint = stack_fingerprint(&naming, &group.example),
		.key = groups->items[group.run->first].key,
	};
	made->json = group_json(report, &group, made->fingerprint);
	return true;
}

json_t *json_groups(const struct json_report *report)
{
	uint32_t runs = report->groups ? report->groups->run_count : 0;
	AUTO_FREE struct made *made = calloc(runs + 1, sizeof(*made));
	json_t *list = json_array();
	uint32_t count = 0;

	for (uint32_t i = 0; made && i < runs; i++)
		count += make(report, i, &made[count]);
	if (count)
		qsort(made, count, sizeof(*made), by_name);
	for (uint32_t i = 0; i < count; i++)
		json_add(&list, made[i].json);
	if (!made) {
		json_decref(list);
		return NULL;
	}
	return list;
}
