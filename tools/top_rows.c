/* SPDX-License-Identifier: MIT */
/* The places of a look. */
#include <stdlib.h>

#include "top_looking.h"
#include "trace/siblings.h"
#include "trace/stack_names.h"

static void put(void *context, const char *bytes, size_t size)
{
	fwrite(bytes, 1, size, context);
}

/* What one of the report's parts puts, as a string; NULL: no memory. */
static char *text_of(struct looking *looking, const struct group *group,
		     void (*part)(struct findings *findings, const struct group *group,
				  const struct report_options *options,
				  const struct symbolizer *symbolizer,
				  const struct text_sink *sink))
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	const struct text_sink sink = {.put = put, .context = file};

	if (!file)
		return NULL;
	part(&looking->findings, group, &looking->top->options, &looking->symbolizer,
	     &sink);
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}

static bool is_shown(const struct looking *looking, const struct group *group)
{
	return group->leak || group->verdict != VERDICT_OPEN ||
	       looking->top->options.show_open;
}

/* Stacks that differ only where nobody looks have one name, and are one place. */
static bool merge(struct top_table *table, struct top_row *row)
{
	struct top_row *other = table->rows;

	while (other < row && !(other->fingerprint == row->fingerprint &&
				other->verdict == row->verdict))
		other++;
	if (other == row)
		return false;
	other->count += row->count;
	other->bytes += row->bytes;
	if (row->oldest > other->oldest)
		other->oldest = row->oldest;
	free(row->place);
	free(row->stacks);
	return true;
}

static void add_row(struct looking *looking, uint32_t run)
{
	struct top_table *table = &looking->table;
	struct top_row *row = &table->rows[table->row_count];
	struct siblings siblings;
	struct group group;
	struct naming naming;

	if (!groups_describe(&looking->findings.groups, run, &group) ||
	    !is_shown(looking, &group))
		return;
	naming =
		(struct naming){&group.subject->view, &looking->symbolizer, false, false};
	*row = (struct top_row){
		.fingerprint = stack_fingerprint(&naming, &group.example),
		.verdict = group.verdict,
		.leak = group.leak,
		.count = group.count,
		.oldest = group.oldest,
		.bound = group.bound,
		.bytes = group.bytes_in + group.bytes_out,
		.place = text_of(looking, &group, report_put_place),
		.stacks = text_of(looking, &group, report_put_group),
	};
	siblings_of(&looking->findings.groups, group.subject, group.example.open_site,
		    &siblings);
	row->opened = siblings.opened;
	row->closed = siblings.closed;
	row->counts = history_add(&looking->top->places,
				  (uint64_t)row->verdict << 32 | row->fingerprint,
				  row->count, true, looking);
	looking->failed |= !row->place || !row->stacks || !row->counts;
	if (!merge(table, row))
		table->row_count++;
}

void looking_add_rows(struct looking *looking)
{
	uint32_t count = looking->findings.groups.run_count;

	looking->table.rows = calloc(count + 1, sizeof(*looking->table.rows));
	if (!looking->table.rows) {
		looking->failed = true;
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		add_row(looking, i);
}
