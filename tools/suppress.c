/* SPDX-License-Identifier: MIT */
/* Holding findings against the rules. */
#include "suppress.h"
#include "pattern.h"
#include "suppress_rules.h"
#include "trace/stack_names.h"
#include "trace/text.h"

/* A finding, and the first rule that names it. */
struct search {
	struct suppressions *suppressions;
	const struct symbolizer *symbolizer;
	const struct trace_view *view;
	struct rule_subject subject;
	size_t best; /* index of the rule; their number: none yet */
};

/* Earlier rules win: what a report says of them then does not depend on the stack's order. */
static void try_rules(struct search *search, const char *name)
{
	for (size_t i = 0; i < search->best; i++) {
		const struct rule *rule = &search->suppressions->rules[i];

		if (!rule->by_id && rule_is_about(rule, &search->subject) &&
		    pattern_matches(rule->pattern, name))
			search->best = i;
	}
}

static void try_path(struct search *search, const char *path)
{
	if (!path)
		return;
	try_rules(search, path);
	if (text_base_name(path) != path)
		try_rules(search, text_base_name(path));
}

static void try_frame(struct search *search, const struct cw_frame *frame)
{
	const struct naming naming = {
		.view = search->view, .symbolizer = search->symbolizer, .all = true};
	const struct cw_module *module = stack_frame_module(search->view, frame);
	struct symbol symbols[STACK_INLINE];
	int named = stack_name(&naming, frame, symbols, STACK_INLINE);

	if (module)
		try_path(search, trace_string(search->view, module->path));
	for (int i = 0; i < named && i < STACK_INLINE; i++) {
		try_rules(search, symbols[i].function);
		if (symbols[i].raw)
			try_rules(search, symbols[i].raw);
		try_path(search, symbols[i].file);
	}
}

static void try_stack(struct search *search, cw_ref ref)
{
	uint32_t count;
	const struct cw_site *site = trace_site(search->view, ref, &count);

	for (uint32_t i = 0; site && i < count; i++)
		try_frame(search, &site->frames[i]);
}

/* What needs no names: fingerprints, and patterns that match anything. */
static void try_without_names(struct search *search)
{
	for (size_t i = 0; i < search->best; i++) {
		const struct rule *rule = &search->suppressions->rules[i];

		if (rule_is_about(rule, &search->subject) &&
		    (rule->by_id || pattern_is_anything(rule->pattern)))
			search->best = i;
	}
}

static struct search search_of(struct suppressions *suppressions,
			       const struct symbolizer *symbolizer,
			       const struct subject *subject)
{
	return (struct search){
		.suppressions = suppressions,
		.symbolizer = symbolizer,
		.view = &subject->view,
		.best = suppressions->count,
	};
}

static void search_group(struct search *search, const struct group *group)
{
	const struct cw_socket *socket = &group->example;
	const struct cw_aside *aside = &group->aside;
	const struct naming naming = {.view = search->view,
				      .symbolizer = search->symbolizer};
	const cw_ref sites[] = {socket->open_site,        socket->first_read_site,
				socket->first_write_site, socket->eof_site,
				aside->told_site,         aside->shutdown_site,
				aside->reset_site,        aside->close_site};

	search->subject = (struct rule_subject){
		.leak = group->leak,
		.verdict = group->verdict,
		.fingerprint = stack_fingerprint(&naming, socket),
	};
	try_without_names(search);
	for (size_t i = 0; i < sizeof(sites) / sizeof(*sites); i++)
		try_stack(search, sites[i]);
}

static void apply_to_groups(struct suppressions *suppressions, struct findings *findings,
			    const struct symbolizer *symbolizer)
{
	struct groups *groups = &findings->groups;

	for (uint32_t i = 0; i < groups->run_count; i++) {
		struct search search;
		struct group group;

		if (!groups_describe(groups, i, &group))
			continue;
		search = search_of(suppressions, symbolizer, group.subject);
		search_group(&search, &group);
		if (search.best == suppressions->count)
			continue;
		suppressions->rules[search.best].sockets += groups->runs[i].count;
		groups_suppress(groups, i);
	}
}

static void apply_to_faults(struct suppressions *suppressions, struct findings *findings,
			    const struct symbolizer *symbolizer)
{
	for (uint32_t i = 0; i < findings->fault_places.count; i++) {
		struct fault_place *place = &findings->fault_places.items[i];
		struct search search = search_of(suppressions, symbolizer,
						 &findings->subjects[place->subject]);

		if (!place->count)
			continue;
		search.subject = (struct rule_subject){
			.fault = true, .kind = (enum fault_kind)place->kind};
		try_without_names(&search);
		for (uint32_t n = 0; n < FAULT_SITES; n++)
			try_stack(&search, place->sites[n]);
		if (search.best == suppressions->count)
			continue;
		suppressions->rules[search.best].faults += place->count;
		place->suppressed = true;
	}
}

void suppressions_apply(struct suppressions *suppressions, struct findings *findings,
			const struct symbolizer *symbolizer)
{
	if (!suppressions)
		return;
	for (size_t i = 0; i < suppressions->count; i++)
		suppressions->rules[i].sockets = suppressions->rules[i].faults = 0;
	apply_to_groups(suppressions, findings, symbolizer);
	apply_to_faults(suppressions, findings, symbolizer);
	findings_recount(findings);
}

static void put_count(const struct rule *rule, const struct text_sink *sink)
{
	static const char *const nouns[FAULT_KINDS] = {
		[FAULT_SLOW_CLOSE] = "late close", [FAULT_CLOSED_BY_GC] = "socket",
		[FAULT_EOF_SPIN] = "socket",       [FAULT_DOUBLE_CLOSE] = "close",
		[FAULT_EXHAUSTED] = "failed call",
	};

	if (rule->sockets)
		text_count(sink, rule->sockets, "socket");
	else if (rule->faults)
		text_count(sink, rule->faults, nouns[rule->name.value]);
	else
		text_put(sink, "nothing");
}

void suppressions_put(const struct suppressions *suppressions, bool all,
		      const struct text_sink *sink)
{
	for (size_t i = 0; suppressions && i < suppressions->count; i++) {
		const struct rule *rule = &suppressions->rules[i];

		if (!rule->sockets && !rule->faults && !all)
			continue;
		text_put(sink, "suppressed: ");
		put_count(rule, sink);
		text_put(sink, " by ");
		text_foreign(sink, rule->text, SIZE_MAX);
		text_put(sink, " (");
		text_foreign(sink, text_base_name(rule->path), SIZE_MAX);
		text_put(sink, ":");
		text_unsigned(sink, rule->line);
		text_put(sink, ")\n");
	}
}
