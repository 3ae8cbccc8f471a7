/* SPDX-License-Identifier: MIT */
/*
 * Names of what is in a stack, which of its frames people want to see, and a name for the
 * finding itself. For every form of report.
 *
 * Stateless; allocates as little as the symbolizer does.
 */
#pragma once

#include "report.h"

#define STACK_MODULE_BYTES 256u
#define STACK_INLINE       6 /* inlined functions named at one address */

/* The trace that references are of, and who names addresses in it. */
struct naming {
	const struct trace_view *view;
	const struct symbolizer *symbolizer; /* NULL: nobody */
	bool all;                            /* every frame is wanted */
	bool native; /* also the interpreter's own, where there are Python frames, in the order of
		      * the calls where it is certain */
};

/* The frame's module; NULL: it has none, as a Python frame. */
const struct cw_module *stack_frame_module(const struct trace_view *view,
					   const struct cw_frame *frame);

/* A copy of the file name of the frame's module, cut to fit; "" if there is none. */
void stack_module(const struct trace_view *view, const struct cw_frame *frame,
		  char name[STACK_MODULE_BYTES]);

/* Names a frame, innermost inlined function first; 0: nothing is known. The strings live
 * until the next call. */
int stack_name(const struct naming *naming, const struct cw_frame *frame,
	       struct symbol *out, int max);

/* The frames of a site that a reader wants: without the start of the thread or of main outwards,
 * and without the library's and libc's own inwards, unless all are asked for. Where there are Python
 * frames these come first, and of the native ones only those of extension modules that the innermost
 * Python function called. Of no site there are none, of any other at least one. */
struct stack_frames {
	const struct cw_site *site; /* NULL: none */
	uint32_t count;
	uint8_t at[CW_SITE_ALL_MAX]; /* their places in site->frames */
};
static_assert(CW_SITE_ALL_MAX <= 256, "a place is one byte");
static inline const struct cw_frame *stack_frame(const struct stack_frames *frames,
						 uint32_t i)
{
	return &frames->site->frames[frames->at[i]];
}
struct stack_frames stack_frames_wanted(const struct naming *naming, cw_ref site);

/* The symbol's file, in `room` if its name had to be made complete; NULL: not known. */
#define STACK_PATH_BYTES 4096u
const char *stack_path(const struct symbol *symbol, char room[STACK_PATH_BYTES]);

/* Whether an interpreter of Python is on the stack. */
bool stack_is_python(const struct trace_view *view, cw_ref site);

/* The thread of the process's end_site: as Python calls its main thread, else as the system does. */
#define STACK_THREAD_BYTES 16u
void stack_end_thread(const struct trace_view *view, const struct cw_process *process,
		      char name[STACK_THREAD_BYTES]);

/* Of origin, open and EOF stacks as function and module names: no lines, no addresses, no
 * verdict, so that a rebuild does not change it. */
uint32_t stack_fingerprint(const struct naming *naming, const struct cw_socket *socket);
