/* SPDX-License-Identifier: MIT */
/* Counting what is a failure. */
#include <string.h>

#include "complain.h"
#include "finding_names.h"
#include "gate.h"
#include "trace/text.h"

static int unknown_name(const char *word, size_t size)
{
	char cause[1024];
	struct text_buffer buffer;
	struct text_sink sink;

	text_buffer_init(&buffer, cause, sizeof(cause));
	sink = text_buffer_sink(&buffer);
	text_put(&sink, "'");
	text_foreign(&sink, word, size < 200 ? size : 200);
	text_put(&sink, "' is none of ");
	finding_names_put(&sink);
	complain("--fail-on", cause);
	return -1;
}

static void add_name(struct gate *gate, const struct finding_name *name)
{
	switch (name->class) {
	case FINDING_LEAK:
		gate->leak = true;
		break;
	case FINDING_VERDICT:
		gate->verdicts |= 1u << name->value;
		break;
	case FINDING_FAULT:
		gate->faults |= 1u << name->value;
		break;
	}
}

int gate_names(struct gate *gate, const char *names)
{
	for (;;) {
		size_t size = strcspn(names, ",");
		struct finding_name name;

		if (!finding_name_find(names, size, &name))
			return unknown_name(names, size);
		gate->asked = true;
		add_name(gate, &name);
		if (!names[size])
			return 0;
		names += size + 1;
	}
}

bool gate_wants_open(const struct gate *gate)
{
	return gate->verdicts & (1u << VERDICT_OPEN | 1u << VERDICT_HALF_CLOSED);
}

bool gate_minds_clean_ends(const struct gate *gate)
{
	return gate_wants_open(gate) || gate->verdicts & 1u << VERDICT_IDLE_CLIENT;
}

/* A listener is as open as it should be, and a copy that a child inherited is its parent's. */
static uint64_t count_items(const struct groups *groups, const struct group_run *run)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < run->count; i++)
		count += !(groups->items[run->first + i].flags &
			   (ITEM_LISTENING | ITEM_UNCOUNTED));
	return count;
}

uint64_t gate_sockets(const struct gate *gate, const struct groups *groups,
		      uint32_t index)
{
	const struct group_run *run = &groups->runs[index];
	const struct group_item *item = &groups->items[run->first];
	bool is_named = gate->verdicts & 1u << item->verdict;
	bool minds_leaks = gate->leak || !gate->asked;

	if (run->mark != RUN_REPORTED || (!is_named && !(minds_leaks && item->leak)))
		return 0;
	return count_items(groups, run);
}

bool gate_minds(const struct gate *gate, const struct fault_place *place)
{
	return gate->faults & 1u << place->kind && place->count && !place->suppressed;
}

bool gate_fails(const struct gate *gate, const struct findings *findings)
{
	uint64_t sockets = 0;

	for (uint32_t i = 0; i < findings->groups.run_count; i++)
		sockets += gate_sockets(gate, &findings->groups, i);
	for (uint32_t i = 0; i < findings->fault_places.count; i++)
		if (gate_minds(gate, &findings->fault_places.items[i]))
			return true;
	return sockets > gate->max_leaks;
}
