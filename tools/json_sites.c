/* SPDX-License-Identifier: MIT */
/* Sites that opened sockets, whatever became of those. */
#include "cleanup.h"
#include "json_parts.h"

#define SITES_SHOWN 1000u

/* One place. */
struct site {
	uint64_t hash;
	uint64_t opened;
	uint32_t first; /* what siblings_next() finds it by */
};

static uint32_t collect(struct groups *groups, struct site *sites)
{
	struct siblings siblings;
	uint32_t next = 0, count = 0;

	for (;;) {
		uint32_t first = next;

		if (!siblings_next(groups, &next, &siblings))
			return count;
		sites[count++] = (struct site){
			.hash = siblings.hash, .opened = siblings.opened, .first = first};
	}
}

static int largest_first(const void *left, const void *right)
{
	const struct site *a = left;
	const struct site *b = right;

	if (a->opened != b->opened)
		return a->opened < b->opened ? 1 : -1;
	return (a->hash > b->hash) - (a->hash < b->hash);
}

static json_t *site_json(const struct json_report *report, const struct site *site)
{
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
	json_put_siblings_dwell(report, &object, &siblings);
	return object;
}

void json_put_sites(const struct json_report *report, json_t **root)
{
	struct groups *groups = report->groups;
	size_t room = groups ? groups->place_room : 0;
	AUTO_FREE struct site *sites = calloc(room + 1, sizeof(*sites));
	uint32_t count, shown;
	json_t *list = json_array();

	if (!sites) {
		json_decref(list);
		json_put(root, "sites", NULL);
		return;
	}
	count = groups ? collect(groups, sites) : 0;
	shown = count < SITES_SHOWN ? count : SITES_SHOWN;
	if (count)
		qsort(sites, count, sizeof(*sites), largest_first);
	for (uint32_t i = 0; i < shown; i++)
		json_add(&list, site_json(report, &sites[i]));
	json_put(root, "sites", list);
	json_put(root, "sites_omitted", json_integer(count - shown));
}
