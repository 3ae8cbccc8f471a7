/* SPDX-License-Identifier: MIT */
/* Walks the interpreter's frames. */
#include <pthread.h>

#include "python_check.h"
#include "python_find.h"
#include "python_memory.h"
#include "python_walk.h"

#define OBJECT_TYPE   8
#define STEPS_MAX     1000000u /* a chain that is longer is a circle */
#define OWNER_CSTACK  3        /* FRAME_OWNED_BY_CSTACK and beyond: not of Python code */
#define OWNER_MAX     4        /* FRAME_OWNED_BY_CSTACK of 3.14 */
#define REFERENCE_TAG 7ul      /* of a _PyStackRef, 3.14 */

static bool ends(void)
{
	if (!python.is_initialized())
		return true;
	if (python.is_finalizing)
		return python.is_finalizing();
	return python.finalizing && *python.finalizing;
}

bool python_walk_begin(struct python_cursor *cursor, bool checked)
{
	const struct python_offsets *at = &python.at;
	uintptr_t thread, id;

	*cursor = (struct python_cursor){0};
	if (ends())
		return false;
	thread = (uintptr_t)python.this_thread();
	if (!thread || !python_load(checked, thread + at->thread_id, &id) ||
	    id != (uintptr_t)pthread_self() ||
	    !python_load(checked, thread + at->thread_frame, &cursor->next))
		return false;
	if (!at->has_cframe)
		return true;
	return cursor->next &&
	       python_load(checked, cursor->next + at->cframe_frame, &cursor->next);
}

/* Who owns the frame: whether it runs Python code, or only marks where C called in. */
static inline __attribute__((always_inline)) unsigned owner_of(bool checked,
							       uintptr_t frame)
{
	uintptr_t word;
	uint16_t owner = python.at.owner;

	if (!owner)
		return 0;
	if (!python_load(checked, frame + (owner & ~7u), &word))
		return OWNER_MAX + 1;
	return (uint8_t)(word >> (owner & 7) * 8);
}

static inline __attribute__((always_inline)) bool take_place(bool checked, uintptr_t at,
							     struct python_frame *frame)
{
	const struct python_offsets *o = &python.at;
	uintptr_t pointer;
	int32_t lasti;

	if (o->lasti_unit) {
		if (!python_load_int(checked, at + o->lasti, &lasti))
			return false;
		frame->lasti = lasti < 0 ? -1 : lasti * o->lasti_unit;
		return true;
	}
	if (!python_load(checked, at + o->lasti, &pointer))
		return false;
	frame->lasti = (int32_t)(pointer - (frame->code + o->code_size));
	return true;
}

static inline __attribute__((always_inline)) bool take_frame(bool checked, uintptr_t at,
							     struct python_frame *frame)
{
	uintptr_t type;

	if (!python_load(checked, at + python.at.frame_code, &frame->code))
		return false;
	frame->code &= ~REFERENCE_TAG;
	if (!frame->code || !python_load(checked, frame->code + OBJECT_TYPE, &type) ||
	    type != python.code_type)
		return false;
	return take_place(checked, at, frame);
}

/* What a specialised call of a class returns to (_Py_InitCleanup, from 3.12 on) is no function: its
 * file is called as it is, "__init__", by the same string. */
static inline __attribute__((always_inline)) bool is_shim(bool checked, uintptr_t code)
{
	uintptr_t file, name;

	return python.at.lines == PYTHON_LINES_LOCATIONS &&
	       python_load(checked, code + python.at.file, &file) &&
	       python_load(checked, code + python.at.name, &name) && file == name;
}

static inline __attribute__((always_inline)) bool next(bool checked,
						       struct python_cursor *cursor,
						       struct python_frame *frame)
{
	while (cursor->next) {
		uintptr_t at = cursor->next;
		unsigned owner = owner_of(checked, at);
		bool wanted = owner < OWNER_CSTACK;

		if (++cursor->steps > STEPS_MAX || owner > OWNER_MAX ||
		    !python_load(checked, at + python.at.back, &cursor->next) ||
		    (wanted && !take_frame(checked, at, frame)) ||
		    (wanted && checked && !python_check_frame(frame))) {
			cursor->lost = true;
			return false;
		}
		if (wanted && !is_shim(checked, frame->code))
			return true;
	}
	return false;
}

bool python_walk_next(struct python_cursor *cursor, struct python_frame *frame)
{
	return next(false, cursor, frame);
}

bool python_walk_next_checked(struct python_cursor *cursor, struct python_frame *frame)
{
	return next(true, cursor, frame);
}
