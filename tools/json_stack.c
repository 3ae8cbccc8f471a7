/* SPDX-License-Identifier: MIT */
/* Stacks as lists of frames; each stack is named once, however often it is told. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "json_parts.h"
#include "trace/stack_names.h"

#define NAME_MAX_BYTES 4096u

static json_t *offset_json(uint64_t offset)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "0x%" PRIx64, offset);
	return json_string(digits);
}

static json_t *module_json(const struct trace_view *view, const struct cw_frame *frame)
{
	const struct cw_module *module = stack_frame_module(view, frame);
	size_t size = 0;
	const char *path = module ? trace_bytes(view, module->path, &size) : NULL;

	return json_foreign(path, size);
}

/* `symbol` may be all zero: nothing is known. */
static json_t *frame_json(const struct trace_view *view, const struct cw_frame *frame,
			  const struct symbol *symbol)
{
	bool python = frame->flags & CW_FRAME_PYTHON;
	char path[STACK_PATH_BYTES];

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:b}", "language",
			 python ? "python" : "native", "function",
			 json_foreign(symbol->function, NAME_MAX_BYTES), "file",
			 json_foreign(stack_path(symbol, path), PATH_MAX), "line",
			 symbol->file && symbol->line > 0 ? json_integer(symbol->line)
							  : json_null(),
			 "module", module_json(view, frame), "offset",
			 python ? json_null() : offset_json(frame->offset), "inlined",
			 symbol->inlined_into != NULL, "handler",
			 python && frame->flags & CW_FRAME_HANDLER);
}

static void add_frame(const struct naming *naming, const struct cw_frame *frame,
		      json_t **frames)
{
	struct symbol symbols[STACK_INLINE] = {0};
	int named = stack_name(naming, frame, symbols, STACK_INLINE);

	if (named < 1)
		named = 1;
	for (int i = 0; i < named && i < STACK_INLINE; i++)
		json_add(frames, frame_json(naming->view, frame, &symbols[i]));
}

static json_t *frames_json(const struct json_report *report,
			   const struct subject *subject, cw_ref site)
{
	const struct naming naming = {
		.view = &subject->view,
		.symbolizer = report->request->symbolizer,
		.all = report->request->options->all,
		.native = report->request->options->native,
	};
	struct stack_frames wanted = stack_frames_wanted(&naming, site);
	json_t *frames = json_array();

	for (uint32_t i = 0; i < wanted.count; i++)
		add_frame(&naming, stack_frame(&wanted, i), &frames);
	return frames;
}

json_t *json_stack(const struct json_report *report, const struct subject *subject,
		   cw_ref site)
{
	uint64_t hash = stack_hash(report->groups->memo, &subject->view, site);
	json_t *frames; /* the cache's */
	char key[24];

	if (!hash)
		return json_null();
	snprintf(key, sizeof(key), "%" PRIx64, hash);
	frames = json_object_get(report->stacks, key);
	if (!frames) {
		frames = frames_json(report, subject, site);
		if (json_object_set_new(report->stacks, key, frames) < 0)
			return NULL;
	}
	return json_incref(frames);
}
