/* SPDX-License-Identifier: MIT */
/* Stacks and frames of the report. */
#include <limits.h>
#include <string.h>

#include "report_parts.h"
#include "text.h"

#define FUNCTION_WIDTH 14u
#define LINE_WIDTH     4u /* of a source line's number, behind the label */
#define PATH_FRAMES    3u
#define NAME_MAX_BYTES 200u

struct naming report_naming(const struct report *report)
{
	return (struct naming){
		.view = &report->subject->view,
		.symbolizer = report->symbolizer,
		.all = report->options->all,
		.native = report->options->native,
	};
}

static int name_frame(const struct report *report, const struct cw_frame *frame,
		      struct symbol *out, int max)
{
	struct naming naming = report_naming(report);

	return stack_name(&naming, frame, out, max);
}

static struct stack_frames frames_wanted(const struct report *report, cw_ref ref)
{
	struct naming naming = report_naming(report);

	return stack_frames_wanted(&naming, ref);
}

void report_label(const struct report *report, const char *label)
{
	text_put(report->sink, "  ");
	text_padded(report->sink, label, REPORT_LABEL);
}

static void put_module(const struct report *report, const struct cw_frame *frame)
{
	char module[STACK_MODULE_BYTES];

	stack_module(&report->subject->view, frame, module);
	text_foreign(report->sink, module, NAME_MAX_BYTES);
}

static void put_nameless(const struct report *report, const struct cw_frame *frame)
{
	char module[STACK_MODULE_BYTES];

	stack_module(&report->subject->view, frame, module);
	if (*module)
		text_foreign(report->sink, module, NAME_MAX_BYTES);
	text_put(report->sink, *module ? "+0x" : "0x");
	text_hex(report->sink, frame->offset, 1);
}

static void put_source(const struct report *report, const struct symbol *symbol)
{
	text_foreign(report->sink, text_base_name(symbol->file), NAME_MAX_BYTES);
	if (symbol->line > 0) {
		text_put(report->sink, ":");
		text_unsigned(report->sink, (uint64_t)symbol->line);
	}
}

static size_t hex_width(uint64_t value)
{
	size_t width = 1;

	while (value >>= 4)
		width++;
	return width;
}

/* stuck_server.py:11 in <module>, or handler  echo.py:12 in handle_client */
static void put_python(const struct report *report, const struct cw_frame *frame,
		       const struct symbol *symbol)
{
	if (frame->flags & CW_FRAME_HANDLER)
		text_put(report->sink, "handler ");
	if (symbol->file)
		put_source(report, symbol);
	else
		text_put(report->sink, "?");
	text_put(report->sink, " in ");
	text_foreign(report->sink, symbol->function ? symbol->function : "?",
		     NAME_MAX_BYTES);
}

/* function  file:line, or function+0x1f  module. Pads the first to `width`. */
static void put_symbol(const struct report *report, const struct cw_frame *frame,
		       const struct symbol *symbol, size_t width)
{
	size_t used;

	if (frame->flags & CW_FRAME_PYTHON) {
		put_python(report, frame, symbol);
		return;
	}
	if (!symbol->function) {
		put_nameless(report, frame);
		return;
	}
	used = strnlen(symbol->function, NAME_MAX_BYTES);
	text_foreign(report->sink, symbol->function, NAME_MAX_BYTES);
	if (!symbol->file) {
		text_put(report->sink, "+0x");
		text_hex(report->sink, symbol->offset, 1);
		used += 3 + hex_width(symbol->offset);
	}
	text_spaces(report->sink, width > used ? width - used : 0);
	text_put(report->sink, width ? "  " : " ");
	if (symbol->file)
		put_source(report, symbol);
	else
		put_module(report, frame);
	if (symbol->inlined_into && width) {
		text_put(report->sink, "   (inlined into ");
		text_foreign(report->sink, symbol->inlined_into, NAME_MAX_BYTES);
		text_put(report->sink, ")");
	}
}

/* Unless it is the process's own. */
static void put_thread(const struct report *report, const char *thread)
{
	size_t size = sizeof(report->subject->process->comm);

	if (!thread[0] || strncmp(thread, report->subject->process->comm, size) == 0)
		return;
	text_put(report->sink, "      thread ");
	text_foreign(report->sink, thread, size);
}

static bool has_source(const struct report *report, const struct symbol *symbol)
{
	return report->symbolizer && report->symbolizer->source && symbol->file &&
	       symbol->line > 0;
}

/* The text of a line of the source: once a stack, at its first frame. Only in the command, whose
 * stack has room for a path. */
static __attribute__((noinline)) void put_source_line(const struct report *report,
						      const struct cw_frame *frame,
						      const struct symbol *symbol)
{
	const struct symbolizer *symbolizer = report->symbolizer;
	char path[STACK_PATH_BYTES];
	const char *source;

	source = symbolizer->source(symbolizer->context,
				    stack_frame_module(&report->subject->view, frame),
				    stack_path(symbol, path), symbol->line);
	if (!source || !*source)
		return;
	report_label(report, "");
	text_unsigned_wide(report->sink, (uint64_t)symbol->line, LINE_WIDTH);
	text_put(report->sink, " |  ");
	text_foreign(report->sink, source, NAME_MAX_BYTES);
	text_put(report->sink, "\n");
}

/* All lines of frame `i`. The stack's first line goes behind its label, and `thread` behind it; NULL
 * for the others. */
static void put_frame(const struct report *report, const struct stack_frames *wanted,
		      uint32_t i, const char *thread)
{
	const struct cw_frame *frame = stack_frame(wanted, i);
	struct symbol symbols[STACK_INLINE];
	int named = name_frame(report, frame, symbols, STACK_INLINE);
	bool first = thread;

	if (named <= 0) {
		symbols[0] = (struct symbol){0};
		named = 1;
	}
	for (int n = 0; n < named && n < STACK_INLINE; n++) {
		if (!first || n)
			report_label(report, "");
		put_symbol(report, frame, &symbols[n], FUNCTION_WIDTH);
		if (first && !n)
			put_thread(report, thread);
		text_put(report->sink, "\n");
		if (first && !n && has_source(report, &symbols[n]))
			put_source_line(report, frame, &symbols[n]);
	}
}

void report_hint_all(const struct report *report)
{
	if (!report->options->trace_path)
		return;
	text_put(report->sink, "  (all: closewait report --all ");
	text_foreign(report->sink, report->options->trace_path, PATH_MAX);
	text_put(report->sink, ")");
}

static void put_rest(const struct report *report, const struct cw_site *site,
		     uint32_t hidden)
{
	if (hidden) {
		report_label(report, "");
		text_put(report->sink, "... ");
		text_count(report->sink, hidden, "more frame");
		report_hint_all(report);
		text_put(report->sink, "\n");
	}
	if (site->flags & (CW_SITE_CUT | CW_SITE_SHORT)) {
		report_label(report, "");
		text_put(report->sink, site->flags & CW_SITE_SHORT
					       ? "(only the caller could be found)\n"
					       : "(not followed further)\n");
	}
}

static void put_stack(const struct report *report, const char *label,
		      const struct stack_frames *all, const char *thread)
{
	uint32_t shown = all->count;

	report_label(report, label);
	if (!report->options->all && shown > REPORT_FRAMES)
		shown = REPORT_FRAMES;
	for (uint32_t i = 0; i < shown; i++)
		put_frame(report, all, i, i ? NULL : thread);
	put_rest(report, all->site, all->count - shown);
}

/* The thread's name is that of the one that was seen there first. */
void report_stack(const struct report *report, const char *label, cw_ref ref)
{
	struct stack_frames wanted = frames_wanted(report, ref);

	if (wanted.site) {
		put_stack(report, label, &wanted, wanted.site->thread);
		return;
	}
	report_label(report, label);
	text_put(report->sink, "(stack not recorded)\n");
}

void report_end_stack(const struct report *report)
{
	const struct cw_process *process = report->subject->process;
	struct stack_frames wanted = frames_wanted(report, process->end_site);
	char thread[STACK_THREAD_BYTES];

	if (!wanted.site)
		return;
	stack_end_thread(&report->subject->view, process, thread);
	put_stack(report, "at the end", &wanted, thread);
}

/* One frame of a path, with what is inlined there; `shown` of the path stand already.
 * Returns how many there are then. */
static uint32_t put_path_frame(const struct report *report, const struct cw_frame *frame,
			       uint32_t shown)
{
	struct symbol symbols[STACK_INLINE] = {0};
	int named = name_frame(report, frame, symbols, STACK_INLINE);

	for (int n = 0; n < (named > 0 ? named : 1) && shown < PATH_FRAMES; n++) {
		if (shown++)
			text_put(report->sink, " <- ");
		put_symbol(report, frame, &symbols[n], 0);
	}
	return shown;
}

void report_path(const struct report *report, cw_ref ref)
{
	struct stack_frames wanted = frames_wanted(report, ref);
	uint32_t shown = 0;

	if (!wanted.site) {
		text_put(report->sink, "(stack not recorded)");
		return;
	}
	for (uint32_t i = 0; i < wanted.count; i++) {
		if (shown == PATH_FRAMES) {
			text_put(report->sink, " <- ...");
			break;
		}
		shown = put_path_frame(report, stack_frame(&wanted, i), shown);
	}
}

/* NULL: there is no stack. */
static const struct cw_frame *first_wanted(const struct report *report, cw_ref ref)
{
	struct stack_frames wanted = frames_wanted(report, ref);

	return wanted.site ? stack_frame(&wanted, 0) : NULL;
}

void report_function(const struct report *report, cw_ref ref)
{
	const struct cw_frame *frame = first_wanted(report, ref);
	struct symbol symbols[STACK_INLINE] = {0};

	if (!frame)
		return;
	name_frame(report, frame, symbols, STACK_INLINE);
	if (symbols[0].function)
		text_foreign(report->sink, symbols[0].function, NAME_MAX_BYTES);
	else
		put_nameless(report, frame);
}

void report_place(const struct report *report, cw_ref ref)
{
	const struct cw_frame *frame = first_wanted(report, ref);
	struct symbol symbols[STACK_INLINE] = {0};

	if (!frame)
		return;
	name_frame(report, frame, symbols, STACK_INLINE);
	if (symbols[0].file)
		put_source(report, &symbols[0]);
	else
		put_symbol(report, frame, &symbols[0], 0);
}

void report_site(const struct report *report, cw_ref ref)
{
	const struct cw_frame *frame = first_wanted(report, ref);
	struct symbol symbols[STACK_INLINE] = {0};

	report_place(report, ref);
	if (!frame)
		return;
	name_frame(report, frame, symbols, STACK_INLINE);
	if (!symbols[0].file || !symbols[0].function)
		return;
	text_put(report->sink, " ");
	text_foreign(report->sink, symbols[0].function, NAME_MAX_BYTES);
}
