/* SPDX-License-Identifier: MIT */
/* Unwinds stacks. */
#include <string.h>
#include <ucontext.h>

#include "frame.h"
#include "modules.h"
#include "on_stack.h"
#include "registers.h"
#include "unwind.h"
#include "unwind_audit.h"

/* Our own frames are steps, too. */
#define STEPS_MAX (2 * CW_SITE_FRAMES_MAX)

/* What a function uses below its stack pointer (System V ABI of x86_64). */
#define RED_ZONE 128ul

/* One capture. Static: too much for the stack of a signal handler. */
static struct {
	struct registers registers;
	struct stack_memory memory;
	struct frame frame;
	struct stack *stack;
} capture;

/* `exact`: it starts at an instruction that is not a call's. */
static void begin(struct frame *f, const struct registers *r, bool exact,
		  struct stack_memory *memory)
{
	for (unsigned i = 0; i < CFI_REGISTERS; i++) {
		bool known = r->known >> i & 1;

		f->places[i].kind = known ? PLACE_REGISTER : PLACE_NOWHERE;
		f->places[i].value = r->value[i];
	}
	/* Where a frame is, is what distances are told from. */
	f->places[CFI_SP].kind = PLACE_VALUE;
	f->pc = r->pc;
	f->cfa = 0;
	f->exact = exact;
	f->needs_ours = false;
	f->guessed = false;
	f->memory = memory;
}

static void add(struct stack *stack, const struct frame *f)
{
	stack->exact |= (uint64_t)f->exact << stack->count;
	stack->pcs[stack->count++] = f->pc;
	if (!f->guessed)
		stack->told = stack->count;
}

static void walk(struct frame *f, struct stack *stack)
{
	enum frame_step step = FRAME_CALLER;

	for (unsigned steps = 0; step == FRAME_CALLER; steps++) {
		const struct module *m = modules_find(frame_instruction(f));

		if (stack->count == CW_SITE_FRAMES_MAX || steps == STEPS_MAX ||
		    (!m && known_on_stack(f->memory->low, f->pc))) {
			stack->flags |= CW_SITE_CUT;
			stack->beyond = f->guessed;
			return;
		}
		if (stack->count || !modules_own(f->pc)) {
			add(stack, f);
			f->memory->log->outside = true;
		}
		step = frame_step(f, m);
	}
	stack->beyond = f->guessed;
	if (step == FRAME_LOST)
		stack->flags |= CW_SITE_CUT;
	else
		known_outermost(f->cfa);
}

/* The caller's frame, without a look at ours, which keep the frame pointer of theirs where x86_64
 * has it. The other registers are then not known: a frame that is found by one of them is rare. */
static bool begin_at_caller(struct frame *f, const struct hook_frame *hook)
{
#if defined(__x86_64__)
	if (!hook->caller)
		return false;
	for (unsigned i = 0; i < CFI_REGISTERS; i++)
		f->places[i].kind = PLACE_OURS;
	f->places[CFI_FP].kind = PLACE_MEMORY;
	f->places[CFI_FP].value = hook->cfa - 2 * sizeof hook->cfa;
	f->places[CFI_SP].kind = PLACE_VALUE;
	f->places[CFI_SP].value = hook->cfa;
	f->pc = hook->caller;
	f->cfa = hook->cfa;
	f->exact = false;
	f->needs_ours = false;
	f->guessed = false;
	f->memory = &capture.memory;
	return true;
#else
	(void)f;
	(void)hook;
	return false;
#endif
}

static void walk_there(struct known_log *log)
{
	struct stack *stack = capture.stack;

	if (begin_at_caller(&capture.frame, &log->frame)) {
		walk(&capture.frame, stack);
		if (!capture.frame.needs_ours)
			return;
		stack->count = 0;
		stack->flags = 0;
		stack->exact = 0;
		stack->told = 0;
		log->outside = false;
		log->unusable = false;
		log->count = 0;
	}
	begin(&capture.frame, &capture.registers, false, &capture.memory);
	walk(&capture.frame, stack);
}

static void unwind_there(void *log)
{
	stack_memory_begin(&capture.memory, capture.registers.value[CFI_SP], log);
	walk_there(log);
	unwind_audit(&capture.registers, capture.stack);
}

void unwind_stack(struct stack *stack, struct known_log *log)
{
	registers_take(&capture.registers);
	capture.stack = stack;
	on_capture_stack(unwind_there, log);
}

uintptr_t unwind_interrupted_sp(const void *context)
{
	registers_take_interrupted(&capture.registers, context);
	return capture.registers.value[CFI_SP];
}

bool unwind_interrupted(struct stack *stack, struct known_log *log, const void *context)
{
	uintptr_t sp = unwind_interrupted_sp(context);

	stack->count = 0;
	stack->flags = 0;
	stack->exact = 0;
	stack->told = 0;
	if (!capture.registers.pc)
		return false;
	stack_memory_begin(&capture.memory, sp - RED_ZONE, log);
	begin(&capture.frame, &capture.registers, true, &capture.memory);
	walk(&capture.frame, stack);
	return stack->count;
}
