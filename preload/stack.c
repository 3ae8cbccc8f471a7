/* SPDX-License-Identifier: MIT */
/* Captures a stack: or where that cannot be, the caller alone. */
#include "stack.h"
#include "modules.h"
#include "unwind.h"

/* The library is built with frame pointers, so the way from here to the hook's caller is
 * a chain of our own frames; nothing beyond them is assumed. */
struct hook_frame stack_hook_frame(void)
{
	const uintptr_t *frame = __builtin_frame_address(0);

	for (int i = 0; i < 32; i++) {
		uintptr_t pc = frame[1];

		if (!modules_own(pc))
			return (struct hook_frame){(uintptr_t)(frame + 2), pc};
		frame = (const uintptr_t *)frame[0];
	}
	return (struct hook_frame){0, 0};
}

void stack_capture(struct stack *stack, struct known_log *log)
{
	stack->count = 0;
	stack->flags = 0;
	stack->exact = 0;
	stack->told = 0;
	stack->beyond = false;
	unwind_stack(stack, log);
	if (stack->count)
		return;
	log->unusable = true;
	stack->pcs[0] = log->frame.caller;
	stack->count = stack->pcs[0] ? 1 : 0;
	stack->flags = CW_SITE_SHORT;
}
