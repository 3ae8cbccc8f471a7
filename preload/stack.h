/* SPDX-License-Identifier: MIT */
/* Captures the calling stack from the hook's caller outwards. For the holder of the
 * sites' lock. */
#pragma once

#include <stdint.h>

#include "known_stacks.h"

/* What another unwinder says of it (unwind_audit.h). */
enum stack_audit { STACK_NOT_AUDITED, STACK_CONFIRMED, STACK_DIFFERS };

struct stack {
	uint32_t count;
	uint16_t flags; /* enum cw_site_flag */
	uint8_t audit;  /* enum stack_audit */
	uint32_t told; /* so many of the first frames were led to by unwind information */
	bool beyond;   /* and unwind information did not lead to its end */
	uint64_t exact; /* bit i: pcs[i] is the interrupted instruction, not a return
			   address */
	uintptr_t pcs[CW_SITE_FRAMES_MAX];
};

/* The frame of the hook that led here. No lock is needed. */
struct hook_frame stack_hook_frame(void);

/* Frames of this library are left out. count 0: nothing could be captured. The log, begun with
 * the hook's frame, tells what the result depended on. */
void stack_capture(struct stack *stack, struct known_log *log);
