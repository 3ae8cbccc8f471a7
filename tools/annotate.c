/* SPDX-License-Identifier: MIT */
/* Putting findings as workflow commands and as a table. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "annotate.h"
#include "cleanup.h"
#include "complain.h"
#include "github_text.h"
#include "trace/stack_names.h"
#include "trace/text.h"

enum level {
	LEVEL_ERROR,
	LEVEL_WARNING,
	LEVELS,
};

/* One finding, in words. */
struct entry {
	enum level level;
	const char *name; /* of the verdict or the fault */
	char what[256];   /* "3 sockets, the oldest 1m30s" */
	const char *help;
	char id[16];         /* fingerprint; "": none */
	char file[PATH_MAX]; /* "": not known */
	int line;
	char function[256];
	bool known;
};

struct annotating {
	struct findings *findings;
	const struct gate *gate;
	const struct symbolizer *symbolizer;
	FILE *out;
	FILE *table;      /* NULL: nobody wants one */
	enum level level; /* of what the gate minds */
	unsigned put[LEVELS];
	uint64_t left_out;
	bool begun; /* the table */
};

/* The first frame of the stack with a file, else the first that has a name at all. */
static bool find_place(const struct annotating *annotating, const struct trace_view *view,
		       cw_ref site, struct entry *entry)
{
	const struct naming naming = {.view = view, .symbolizer = annotating->symbolizer};
	struct stack_frames wanted = stack_frames_wanted(&naming, site);

	for (uint32_t i = 0; i < wanted.count; i++) {
		struct symbol symbol = {0};
		char path[STACK_PATH_BYTES];

		if (stack_name(&naming, stack_frame(&wanted, i), &symbol, 1) <= 0)
			continue;
		if (symbol.function && (symbol.file || !*entry->function))
			snprintf(entry->function, sizeof(entry->function), "%s",
				 symbol.function);
		if (!symbol.file)
			continue;
		github_path(entry->file, sizeof(entry->file), stack_path(&symbol, path),
			    getenv("GITHUB_WORKSPACE"));
		entry->line = symbol.line;
		return true;
	}
	return false;
}

static void find_place_of(const struct annotating *annotating,
			  const struct subject *subject, const cw_ref *sites,
			  size_t count, struct entry *entry)
{
	for (size_t i = 0; i < count; i++)
		if (find_place(annotating, &subject->view, sites[i], entry))
			return;
}

static void put_properties(FILE *out, const struct entry *entry)
{
	if (*entry->file) {
		fputs("file=", out);
		github_put(out, GITHUB_PROPERTY, entry->file);
		if (entry->line > 0)
			fprintf(out, ",line=%d", entry->line);
		putc(',', out);
	}
	fputs("title=closewait%3A ", out);
	github_put(out, GITHUB_PROPERTY, entry->name);
	if (*entry->function) {
		fputs(" in ", out);
		github_put(out, GITHUB_PROPERTY, entry->function);
	}
}

static void put_command(const struct annotating *annotating, const struct entry *entry)
{
	FILE *out = annotating->out;

	fprintf(out, "::%s ", entry->level == LEVEL_ERROR ? "error" : "warning");
	put_properties(out, entry);
	fputs("::", out);
	github_put(out, GITHUB_MESSAGE, entry->what);
	if (*entry->help) {
		fputs(": ", out);
		github_put(out, GITHUB_MESSAGE, entry->help);
	}
	if (*entry->id)
		fprintf(out, " [%s]", entry->id);
	fputs(entry->known ? " (known before)\n" : "\n", out);
}

static void put_row(struct annotating *annotating, const struct entry *entry)
{
	FILE *table = annotating->table;

	if (!table)
		return;
	if (!annotating->begun)
		fputs("### closewait\n\n| finding | what | where | id |\n"
		      "|---|---|---|---|\n",
		      table);
	annotating->begun = true;
	fprintf(table, "| %s%s | ", entry->name, entry->known ? " (known before)" : "");
	github_put(table, GITHUB_CELL, entry->what);
	fputs(" | ", table);
	github_put(table, GITHUB_CELL, entry->function);
	if (*entry->file) {
		putc(' ', table);
		github_put(table, GITHUB_CELL, entry->file);
		if (entry->line > 0)
			fprintf(table, ":%d", entry->line);
	}
	fprintf(table, " | %s |\n", entry->id);
}

static void put_entry(struct annotating *annotating, const struct entry *entry)
{
	put_row(annotating, entry);
	if (annotating->put[entry->level] == ANNOTATIONS_MAX) {
		annotating->left_out++;
		return;
	}
	annotating->put[entry->level]++;
	put_command(annotating, entry);
}

static void describe_group(const struct annotating *annotating, const struct group *group,
			   struct entry *entry)
{
	const struct cw_socket *socket = &group->example;
	const struct naming naming = {.view = &group->subject->view,
				      .symbolizer = annotating->symbolizer};
	const cw_ref cause =
		group->verdict == VERDICT_RESET_IGNORED       ? group->aside.reset_site
		: group->verdict == VERDICT_SHUTDOWN_UNCLOSED ? group->aside.shutdown_site
							      : 0;
	const cw_ref sites[] = {cause, socket->eof_site, group->aside.told_site,
				socket->first_read_site, socket->open_site};
	struct text_buffer buffer;
	struct text_sink sink;

	text_buffer_init(&buffer, entry->what, sizeof(entry->what));
	sink = text_buffer_sink(&buffer);
	text_count(&sink, group->count, "socket");
	text_put(&sink, group->count == 1 ? ", for " : ", the oldest for ");
	text_put(&sink, group->bound == DWELL_AT_LEAST  ? "at least "
			: group->bound == DWELL_AT_MOST ? "at most "
							: "");
	text_duration(&sink, group->oldest);
	entry->help = verdict_help(group->verdict,
				   stack_is_python(naming.view, socket->open_site));
	snprintf(entry->id, sizeof(entry->id), "%08x",
		 stack_fingerprint(&naming, socket));
	find_place_of(annotating, group->subject, sites, sizeof(sites) / sizeof(*sites),
		      entry);
}

static void annotate_group(struct annotating *annotating, uint32_t index)
{
	struct groups *groups = &annotating->findings->groups;
	bool known = groups->runs[index].mark == RUN_KNOWN;
	struct entry entry = {.level = known ? LEVEL_WARNING : annotating->level,
			      .known = known};
	struct group group;

	if (!groups_describe(groups, index, &group) ||
	    !(known ? group.leak : gate_sockets(annotating->gate, groups, index) > 0))
		return;
	entry.name = verdict_name(group.verdict);
	describe_group(annotating, &group, &entry);
	put_entry(annotating, &entry);
}

static void annotate_fault(struct annotating *annotating, const struct fault_place *place)
{
	static const char *const words[FAULT_KINDS] = {
		[FAULT_SLOW_CLOSE] = "a socket was closed, but too late",
		[FAULT_CLOSED_BY_GC] =
			"a connection was closed by Python's collector alone",
		[FAULT_EOF_SPIN] = "EOF was read again and again",
		[FAULT_DOUBLE_CLOSE] = "a descriptor was closed a second time",
		[FAULT_EXHAUSTED] = "accept or socket failed, no descriptors were left",
	};
	const struct subject *subject = &annotating->findings->subjects[place->subject];
	/* What is to be changed is the later of both, but of a spin where EOF is read. */
	const cw_ref sites[] = {place->sites[place->kind == FAULT_EOF_SPIN ? 0 : 1],
				place->sites[place->kind == FAULT_EOF_SPIN ? 1 : 0]};
	struct entry entry = {.level = LEVEL_ERROR,
			      .name = fault_name((enum fault_kind)place->kind),
			      .help = ""};
	struct text_buffer buffer;
	struct text_sink sink;

	text_buffer_init(&buffer, entry.what, sizeof(entry.what));
	sink = text_buffer_sink(&buffer);
	text_count(&sink, place->count, "time");
	text_put(&sink, ": ");
	text_put(&sink, words[place->kind]);
	find_place_of(annotating, subject, sites, sizeof(sites) / sizeof(*sites), &entry);
	put_entry(annotating, &entry);
}

static void annotate_all(struct annotating *annotating)
{
	const struct findings *findings = annotating->findings;

	for (uint32_t i = 0; i < findings->groups.run_count; i++)
		annotate_group(annotating, i);
	for (uint32_t i = 0; i < findings->fault_places.count; i++)
		if (gate_minds(annotating->gate, &findings->fault_places.items[i]))
			annotate_fault(annotating, &findings->fault_places.items[i]);
	if (annotating->left_out)
		fprintf(annotating->out,
			"::notice title=closewait::%llu more finding%s\n",
			(unsigned long long)annotating->left_out,
			annotating->left_out == 1 ? "" : "s");
	fflush(annotating->out);
}

/* In one write: other steps' lines stay whole. */
static int append(const char *path, const char *bytes, size_t size)
{
	AUTO_FILE FILE *file = fopen(path, "ae");

	if (!file || setvbuf(file, NULL, _IOFBF, size + 1) != 0 ||
	    fwrite(bytes, 1, size, file) != size || fflush(file) != 0) {
		complain_errno(path, errno);
		return -1;
	}
	return 0;
}

int annotate_github(struct findings *findings, const struct gate *gate,
		    const struct symbolizer *symbolizer, FILE *out)
{
	const char *summary = getenv("GITHUB_STEP_SUMMARY");
	AUTO_FREE char *table = NULL;
	size_t size = 0;
	struct annotating annotating = {
		.findings = findings,
		.gate = gate,
		.symbolizer = symbolizer,
		.out = out,
		.level = gate_fails(gate, findings) ? LEVEL_ERROR : LEVEL_WARNING,
	};

	if (summary && *summary)
		annotating.table = open_memstream(&table, &size);
	annotate_all(&annotating);
	if (!annotating.table)
		return 0;
	if (fclose(annotating.table) != 0) {
		complain(summary, "no memory for the table");
		return -1;
	}
	return size ? append(summary, table, size) : 0;
}
