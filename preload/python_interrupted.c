/* SPDX-License-Identifier: MIT */
/* Finds the interrupted thread's frames. */
#include <pthread.h>

#include "python_check.h"
#include "python_find.h"
#include "python_interrupted.h"
#include "python_memory.h"

#define OBJECT_TYPE    8
#define REFERENCES_MAX (1ul << 40) /* a freed object has a pointer there, or 0 */
#define THREADS_MAX    100000u
#define FRAMES_MAX     1000000u
/* Below the stack pointer a cframe is one that is gone; elsewhere it is the thread state's. */
#define GONE_SPAN      (8ul << 20)

/* PyThreadState and PyInterpreterState of 2.7. */
#define THREAD_NEXT        0
#define INTERPRETER_NEXT   0
#define INTERPRETER_THREAD 8

static bool is_mine(uintptr_t thread)
{
	uintptr_t id;

	return thread && python_load(true, thread + python.at.thread_id, &id) &&
	       id == (uintptr_t)pthread_self();
}

/* 2.7 looks a thread up under a lock that it may hold: its lists tell the same. */
static uintptr_t listed_thread(void)
{
	uintptr_t interpreter = (uintptr_t)python.newest_interpreter();
	uintptr_t thread;
	unsigned steps = 0;

	while (interpreter) {
		if (!python_load(true, interpreter + INTERPRETER_THREAD, &thread))
			return 0;
		while (thread && !is_mine(thread))
			if (++steps > THREADS_MAX ||
			    !python_load(true, thread + THREAD_NEXT, &thread))
				return 0;
		if (thread)
			return thread;
		if (++steps > THREADS_MAX ||
		    !python_load(true, interpreter + INTERPRETER_NEXT, &interpreter))
			return 0;
	}
	return 0;
}

static bool ends(void)
{
	return !python.is_initialized() ||
	       (python.is_finalizing && python.is_finalizing()) ||
	       (!python.is_finalizing && python.finalizing && *python.finalizing);
}

/* Is `wanted`, or the end if it is 0, one of the frames from `frame` on? */
static bool leads_to(uintptr_t frame, uintptr_t wanted)
{
	for (unsigned i = 0; i < FRAMES_MAX && frame != wanted; i++)
		if (!frame || !python_load(true, frame + python.at.back, &frame))
			return false;
	return frame == wanted;
}

/* A cframe lies on the C stack, and is linked before its frame is set: that is old memory for some
 * instructions. The frames of the call before it must follow. */
static bool take_cframe(uintptr_t cframe, uintptr_t sp, uintptr_t *frame)
{
	uintptr_t previous, before;

	if (!cframe || cframe - (sp - GONE_SPAN) < GONE_SPAN ||
	    !python_load(true, cframe + python.at.cframe_frame, frame) ||
	    !python_load(true, cframe + python.at.cframe_frame + sizeof previous,
			 &previous))
		return false;
	if (!previous)
		return true;
	return python_load(true, previous + python.at.cframe_frame, &before) &&
	       leads_to(*frame, before);
}

enum python_interrupted python_interrupted_begin(struct python_cursor *cursor,
						 uintptr_t sp)
{
	uintptr_t thread, frame;

	*cursor = (struct python_cursor){0};
	if (ends())
		return PYTHON_INTERRUPTED_UNKNOWN;
	thread = python.major == 2 ? listed_thread() : (uintptr_t)python.this_thread();
	if (!thread)
		return PYTHON_INTERRUPTED_NO;
	if (!is_mine(thread) ||
	    !python_load(true, thread + python.at.thread_frame, &frame))
		return PYTHON_INTERRUPTED_UNKNOWN;
	if (python.at.has_cframe && !take_cframe(frame, sp, &frame))
		return PYTHON_INTERRUPTED_UNKNOWN;
	cursor->next = frame;
	return frame ? PYTHON_INTERRUPTED_FRAME : PYTHON_INTERRUPTED_NO;
}

static bool is_alive(uintptr_t object)
{
	uintptr_t references;

	return object && python_load(true, object, &references) && references &&
	       references < REFERENCES_MAX;
}

/* To 3.10 a frame is an object. */
static bool is_frame(uintptr_t at)
{
	uintptr_t type;

	return !python.at.lasti_unit ||
	       (is_alive(at) && python_load(true, at + OBJECT_TYPE, &type) &&
		type == python.frame_type);
}

static bool text_is_alive(uintptr_t at)
{
	uintptr_t object;

	return python_load(true, at, &object) && is_alive(object);
}

bool python_interrupted_next(struct python_cursor *cursor, struct python_frame *frame)
{
	if (!python_walk_next_checked(cursor, frame))
		return false;
	if (is_frame(frame->at) && is_alive(frame->code) &&
	    text_is_alive(frame->code + python.at.file) &&
	    text_is_alive(frame->code + python.at.name) &&
	    text_is_alive(frame->code + python.at.table))
		return true;
	cursor->lost = true;
	return false;
}
