/* SPDX-License-Identifier: MIT */
/* Walks the interpreter's frames. */
#include <pthread.h>

#include "python_find.h"
#include "python_memory.h"
#include "python_step.h"

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

bool python_walk_next(struct python_cursor *cursor, struct python_frame *frame)
{
	return python_step(false, python_since_311(), cursor, frame);
}

bool python_walk_next_checked(struct python_cursor *cursor, struct python_frame *frame)
{
	return python_step(true, python_since_311(), cursor, frame);
}

bool python_walk_entered(const struct python_cursor *cursor,
			 const struct python_frame *frame, bool checked)
{
	unsigned entry;

	if (python.at.owner)
		return cursor->next &&
		       python_owner(checked, true, cursor->next) >= PYTHON_OWNER_CSTACK;
	if (!python.at.entry)
		return true;
	return python_load_byte(checked, frame->at + python.at.entry, &entry) &&
	       entry == 1;
}
