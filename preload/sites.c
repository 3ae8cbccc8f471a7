/* SPDX-License-Identifier: MIT */
/* Interns stacks, modules' names and other strings in the trace. */
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "arena.h"
#include "extents.h"
#include "fork_hot.h"
#include "learned.h"
#include "lock.h"
#include "modules.h"
#include "on_stack.h"
#include "python_collected.h"
#include "python_find.h"
#include "python_key.h"
#include "python_sites.h"
#include "rare.h"
#include "site_index.h"
#include "sites.h"
#include "sites_internal.h"
#include "stack.h"
#include "sys.h"
#include "undisturbed.h"
#include "unwind.h"
#include "unwind_audit.h"

FORK_HOT static struct lock sites_lock;

void *sites_heap_take(struct books *b, size_t size)
{
	return extent_carve(&b->heap_extent, b->extent, CW_EXTENT_HEAP,
			    (size + 7) & ~(size_t)7);
}

uint32_t sites_hash(const struct cw_frame *frames, uint32_t count)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	const uint8_t *bytes = (const uint8_t *)frames;

	for (size_t i = 0; i < count * sizeof *frames; i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	return hash;
}

/* `thread` is its name, NULL: this one's. */
static cw_ref write_site(struct books *b, const struct stack *stack,
			 const struct cw_frame *frames, const char *thread)
{
	struct cw_site *site =
		sites_heap_take(b, sizeof *site + stack->count * sizeof *frames);

	if (!site)
		return 0;
	site->hash = sites_hash(frames, stack->count);
	site->flags = stack->flags | (stack->exact ? CW_SITE_HANDLER : 0);
	if (thread)
		memcpy(site->thread, thread, sizeof site->thread);
	else
		sys_call(SYS_prctl, PR_GET_NAME, site->thread, 0, 0);
	memcpy(site->frames, frames, stack->count * sizeof *frames);
	site->count = (uint16_t)stack->count;
	return pointer_ref(site);
}

/* What one unwind works with: too much for the stack of a coroutine or a signal handler. For the
 * holder of the lock. */
static struct {
	struct known_log log;
	struct stack stack;
	struct cw_frame frames[CW_SITE_FRAMES_MAX];
	cw_ref site;
	const char *thread; /* its name, NULL: this one's */
} work;

/* No handler runs while the lock is held: it might not come back, or come back to our stack. Nor
 * is the thread cancelled. */
static bool enter(struct undisturbed *u)
{
	undisturbed_begin(u);
	if (lock_take(&sites_lock))
		return true;
	undisturbed_end(u);
	return false;
}

static void leave(const struct undisturbed *u)
{
	lock_drop(&sites_lock);
	undisturbed_end(u);
}

/* On the capture stack. */
static void intern_stack(void *argument)
{
	struct books *b = argument;
	struct stack *stack = &work.stack;
	size_t size = stack->count * sizeof *work.frames;
	cw_ref ref;

	for (uint32_t i = 0; i < stack->count; i++)
		work.frames[i] = modules_frame(b, stack->pcs[i], stack->exact >> i & 1);
	ref = site_index_find(work.frames, size);
	if (!ref) {
		if (!stack->exact && python_finalizer_calls(stack))
			stack->flags |= CW_SITE_COLLECTED;
		ref = write_site(b, stack, work.frames, work.thread);
		if (ref)
			site_index_add(((struct cw_site *)ref_pointer(ref))->frames, size,
				       ref);
	}
	work.site = ref;
	if (!stack->exact && !(stack->flags & CW_SITE_SHORT))
		python_seek(stack);
}

/* A stack was unwound all the same, or a second time. */
static void count_audit(struct books *b, bool differs)
{
	atomic_fetch_add_explicit(&b->process->audited, 1, memory_order_relaxed);
	if (differs)
		atomic_fetch_add_explicit(&b->process->audit_differences, 1,
					  memory_order_relaxed);
}

/* Unwinds and interns. */
static cw_ref unwound(struct books *b, const struct hook_frame *frame)
{
	atomic_fetch_add_explicit(&b->process->unwound, 1, memory_order_relaxed);
	work.log.frame = *frame;
	work.log.outside = false;
	work.log.unusable = false;
	work.log.count = 0;
	stack_capture(&work.stack, &work.log);
	if (work.stack.audit != STACK_NOT_AUDITED)
		count_audit(b, work.stack.audit == STACK_DIFFERS);
	if (!work.stack.count) {
		books_lost(CW_LOST_STACKS);
		return 0;
	}
	on_capture_stack(intern_stack, b);
	if (!work.site)
		books_lost(CW_LOST_SITES);
	else if (work.stack.flags & CW_SITE_SHORT)
		books_lost(CW_LOST_SHORT_STACKS);
	return work.site;
}

/* The recognised stack is unwound all the same: a difference would mean that the recognition is
 * wrong, so it is counted and shown. */
static void audit(struct books *b, struct known_stack *known, cw_ref ref)
{
	count_audit(b, ref && known_compared(known, ref));
	if (ref && ref != known_site(known))
		known_remember(&work.log, ref);
}

/* `known` is NULL, or one to be compared. */
RARE static cw_ref unwound_site(struct books *b, struct hook_frame frame,
				struct known_stack *known)
{
	struct undisturbed u;
	cw_ref ref;

	if (!enter(&u)) {
		if (known)
			return known_site(known);
		books_lost(CW_LOST_STACKS);
		return 0;
	}
	ref = unwound(b, &frame);
	if (known)
		audit(b, known, ref);
	else if (ref && known_remember(&work.log, ref))
		learned_tell(b, &work.stack, &work.log);
	leave(&u);
	return ref;
}

static void make_python(void *argument)
{
	work.site = python_site_make(argument, work.site);
}

/* Nothing of the interpreter's is called before it is known to be there still. */
static bool python_is_there(void)
{
	struct undisturbed u;

	if (python_may_be_gone()) {
		if (!enter(&u))
			return false;
		if (python_may_be_gone())
			python_look_again();
		leave(&u);
	}
	return python_state() == PYTHON_FOUND || python_state() == PYTHON_TRUSTED;
}

/* A handler may have interrupted the interpreter, and of a stack that was not unwound it is not
 * known whether there is one. */
static bool may_have_python(cw_ref native)
{
	const struct cw_site *site = ref_pointer(native);

	return !(site->flags & (CW_SITE_HANDLER | CW_SITE_SHORT)) && python_is_there() &&
	       python.this_thread();
}

RARE static cw_ref with_python(struct books *b, cw_ref native)
{
	struct undisturbed u;
	uint64_t hash;
	cw_ref known;

	if (!native || !may_have_python(native))
		return native;
	hash = python_stack_hash();
	known = hash ? python_site_find(native, hash) : 0;
	if (known || (!hash && python_state() == PYTHON_TRUSTED))
		return known ? known : native;
	if (!enter(&u))
		return native;
	work.site = native;
	on_capture_stack(make_python, b);
	known = work.site;
	leave(&u);
	return known;
}

HOT cw_ref site_here(struct books *b)
{
	struct hook_frame frame = stack_hook_frame();
	struct known_stack *known = known_find(&frame);
	cw_ref native = known && !known_audit_due(known) ? known_site(known)
							 : unwound_site(b, frame, known);

	if (python_state() == PYTHON_NONE || python_state() == PYTHON_REFUSED)
		return native;
	return with_python(b, native);
}

/* What was interrupted is not in a handler for that; nobody may call it a known stack. */
static cw_ref interrupted_native(struct books *b, const void *context)
{
	cw_ref ref;

	work.log.outside = true;
	work.log.count = 0;
	if (!unwind_interrupted(&work.stack, &work.log, context))
		return 0;
	for (uint32_t i = 0; i < work.stack.count; i++)
		work.frames[i] =
			modules_frame(b, work.stack.pcs[i], work.stack.exact >> i & 1);
	ref = site_index_find(work.frames, work.stack.count * sizeof *work.frames);
	work.stack.exact &= ~1ul;
	return ref ? ref : write_site(b, &work.stack, work.frames, NULL);
}

cw_ref site_interrupted(struct books *b, const void *context)
{
	cw_ref ref;

	if (!lock_take_soon(&sites_lock))
		return 0;
	ref = interrupted_native(b, context);
	if (ref)
		ref = python_site_interrupted(b, ref, unwind_interrupted_sp(context));
	lock_drop(&sites_lock);
	return ref;
}

cw_ref sites_record_locked(struct books *b, const void *record, size_t size)
{
	cw_ref ref = site_index_find(record, size);
	void *written;

	if (ref)
		return ref;
	written = sites_heap_take(b, size);
	if (!written)
		return 0;
	memcpy(written, record, size);
	ref = pointer_ref(written);
	site_index_add(written, size, ref);
	return ref;
}

cw_ref sites_string_locked(struct books *b, const char *text)
{
	size_t size = strlen(text);
	cw_ref ref = site_index_find(text, size);
	struct cw_string *string;

	if (ref)
		return ref;
	string = sites_heap_take(b, sizeof *string + size + 1);
	if (!string)
		return 0;
	memcpy(string->bytes, text, size + 1);
	string->size = (uint32_t)size;
	ref = pointer_ref(string);
	site_index_add(string->bytes, size, ref);
	return ref;
}

cw_ref site_string(struct books *b, const char *text)
{
	struct undisturbed u;
	cw_ref ref;

	if (!enter(&u))
		return 0;
	ref = sites_string_locked(b, text);
	leave(&u);
	return ref;
}

bool sites_lock_for_fork(void)
{
	return lock_take(&sites_lock);
}

void sites_learn(struct books *b)
{
	char thread[16];
	unsigned next = 0;

	while (learned_next(b, &next, &work.stack, &work.log, thread)) {
		work.thread = thread;
		on_capture_stack(intern_stack, b);
		work.thread = NULL;
		if (work.site)
			known_remember(&work.log, work.site);
	}
}

void sites_unlock_after_fork(void)
{
	lock_drop(&sites_lock);
}

void sites_after_fork(uint32_t forker)
{
	if (!lock_after_fork(&sites_lock, forker))
		return;
	site_index_forget();
	modules_forget();
	unwind_audit_give_up();
}
