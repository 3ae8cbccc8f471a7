/* SPDX-License-Identifier: MIT */
/*
 * One step of a walk, for whoever takes so many that a call for each would cost as much as the step.
 * Everything else includes python_walk.h.
 */
#pragma once

#include "python_check.h"
#include "python_find.h"
#include "python_memory.h"
#include "python_walk.h"

#define PYTHON_OBJECT_TYPE   8
#define PYTHON_STEPS_MAX     1000000u /* a chain that is longer is a circle */
#define PYTHON_OWNER_CSTACK  3 /* FRAME_OWNED_BY_CSTACK and beyond: not of Python code */
#define PYTHON_OWNER_MAX     4 /* FRAME_OWNED_BY_CSTACK of 3.14 */
#define PYTHON_REFERENCE_TAG 7ul /* of a _PyStackRef, 3.14 */

static inline __attribute__((always_inline)) bool python_load_byte(bool checked,
								   uintptr_t at,
								   unsigned *value)
{
	if (checked && (at < 4096 || !python_word_readable(at & ~7ul)))
		return false;
	*value = *(const uint8_t *)at;
	return true;
}

/* Who owns the frame: whether it runs Python code, or only marks where C called in. */
static inline __attribute__((always_inline)) unsigned python_owner(bool checked,
								   bool since_311,
								   uintptr_t frame)
{
	unsigned owner;

	if (!since_311 || !python.at.owner)
		return 0;
	return python_load_byte(checked, frame + python.at.owner, &owner)
		       ? owner
		       : PYTHON_OWNER_MAX + 1;
}

static inline __attribute__((always_inline)) bool python_take_place(
	bool checked, bool since_311, uintptr_t at, struct python_frame *frame)
{
	const struct python_offsets *o = &python.at;
	uintptr_t pointer;
	int32_t lasti;

	if (!since_311) {
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

static inline __attribute__((always_inline)) bool python_take_frame(
	bool checked, bool since_311, uintptr_t at, struct python_frame *frame)
{
	uintptr_t type;

	frame->at = at;
	if (!python_load(checked, at + python.at.frame_code, &frame->code))
		return false;
	frame->code &= ~PYTHON_REFERENCE_TAG;
	if (!frame->code ||
	    !python_load(checked, frame->code + PYTHON_OBJECT_TYPE, &type) ||
	    type != python.code_type)
		return false;
	return python_take_place(checked, since_311, at, frame);
}

/* What a specialised call of a class returns to (_Py_InitCleanup, from 3.12 on) is no function: its
 * file is called as it is, "__init__", by the same string. */
static inline __attribute__((always_inline)) bool python_is_shim(bool checked,
								 bool since_311,
								 uintptr_t code)
{
	uintptr_t file, name;

	return since_311 && python_load(checked, code + python.at.file, &file) &&
	       python_load(checked, code + python.at.name, &name) && file == name;
}

static inline __attribute__((always_inline)) bool python_step(
	bool checked, bool since_311, struct python_cursor *cursor,
	struct python_frame *frame)
{
	while (cursor->next) {
		uintptr_t at = cursor->next;
		unsigned owner = python_owner(checked, since_311, at);
		bool wanted = owner < PYTHON_OWNER_CSTACK;

		if (++cursor->steps > PYTHON_STEPS_MAX ||
		    (!wanted && owner > PYTHON_OWNER_MAX) ||
		    !python_load(checked, at + python.at.back, &cursor->next) ||
		    (wanted && !python_take_frame(checked, since_311, at, frame)) ||
		    (wanted && checked && !python_check_frame(frame))) {
			cursor->lost = true;
			return false;
		}
		if (wanted && !python_is_shim(checked, since_311, frame->code))
			return true;
	}
	return false;
}
