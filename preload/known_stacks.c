/* SPDX-License-Identifier: MIT */
/* Recognises stacks that were unwound before. */
#include <dlfcn.h>
#include <stdatomic.h>

#include "arena.h"
#include "known_stacks.h"
#include "modules.h"
#include "options.h"
#include "thread.h"

#define BUCKETS      4096u /* a power of two */
#define KNOWN_MAX    16384u
#define AUDIT_EVERY  1000u
/* Shares no factor with it: threads numbered one after another come by every place. */
#define AUDIT_STRIDE 7919u

/* Stacks are larger only by mistake: `low` is on a stack of another kind. */
#define STACK_SPAN (256ul << 20)

/* A thread's stack ends below its thread control block with only its static TLS between. */
#define TLS_MAX   (1u << 20)
/* The main thread's outermost frame is the loader's entry, a few words from the stack's end. */
#define ENTRY_MAX 4096u

struct check {
	uint32_t distance; /* in words from 16 bytes below the CFA */
	uint32_t relative; /* the value is a distance too */
	uintptr_t value;
};

struct known_stack {
	struct known_stack *next; /* set before it is published, never changed */
	uintptr_t caller;
	uintptr_t total; /* bytes from the hook's frame to the thread's outermost one */
	cw_ref site;
	_Atomic uint32_t retired;
	_Atomic uint32_t unloads; /* as it was when its modules were last seen */
	uint32_t count;
	uint32_t leading; /* so many of the first are not relative */
	struct check checks[];
};

static _Atomic(struct known_stack *) buckets[BUCKETS];
static uint32_t remembered;
static uintptr_t stack_end; /* __libc_stack_end, the main thread's */

/* Distance from a thread's outermost frame to its thread pointer, 0 until one is known. */
static _Atomic uintptr_t outermost_to_thread;

/* This thread's outermost stack pointer, 0 while unknown. */
static __thread uintptr_t outermost __attribute__((tls_model("initial-exec")));
/* How many more it recognises, the last of which is compared; 0: none yet. */
static __thread uint32_t until_audit __attribute__((tls_model("initial-exec")));

/* The hook's frame keeps the caller's frame pointer here, and the return address above it. */
#define FRAME_LOW(frame) ((frame)->cfa - 2 * sizeof(uintptr_t))

void known_init(void)
{
	void **end = dlsym(RTLD_DEFAULT, "__libc_stack_end");

	if (end)
		stack_end = (uintptr_t)*end;
}

static uintptr_t thread_pointer(void)
{
	return (uintptr_t)__builtin_thread_pointer();
}

/* New threads are as the first one was. */
RARE static uintptr_t learn_outermost(void)
{
	uintptr_t distance =
		atomic_load_explicit(&outermost_to_thread, memory_order_relaxed);

	if (distance && !thread_is_main())
		outermost = thread_pointer() - distance;
	return outermost;
}

/* Where this thread's stack ends, once that is known. */
static inline uintptr_t thread_outermost(void)
{
	return outermost ? outermost : learn_outermost();
}

void known_outermost(uintptr_t sp)
{
	uintptr_t distance = thread_pointer() - sp;
	uintptr_t first = 0;

	if (outermost)
		return;
	if (thread_is_main()) {
		if (stack_end - sp + ENTRY_MAX < 2 * ENTRY_MAX)
			outermost = sp;
	} else if (distance < TLS_MAX) {
		/* Another distance than the first thread's is no thread's own stack. */
		if (atomic_compare_exchange_strong(&outermost_to_thread, &first,
						   distance) ||
		    first == distance)
			outermost = sp;
	}
}

bool known_on_stack(uintptr_t low, uintptr_t address)
{
	uintptr_t end = thread_is_main() ? stack_end : thread_pointer();

	return address >= low && address < end && end - low < STACK_SPAN;
}

static _Atomic(struct known_stack *) *bucket(uintptr_t caller, uintptr_t total)
{
	uint64_t hash = (caller ^ total << 20) * 0x9e3779b97f4a7c15ull;

	return &buckets[hash >> 52 & (BUCKETS - 1)];
}

static inline bool matches(const struct known_stack *known,
			   const struct hook_frame *frame)
{
	const uintptr_t *words = (const uintptr_t *)FRAME_LOW(frame);
	const struct check *c = known->checks;
	const struct check *end = c + known->count;

	/* All of them, where the code keeps no frame pointers: it is worth a loop of its own. */
	for (const struct check *pairs = c + (known->leading & ~1u); c != pairs; c += 2) {
		if (words[c[0].distance] != c[0].value ||
		    words[c[1].distance] != c[1].value)
			return false;
	}
	for (; c != end; c++) {
		uintptr_t value = words[c->distance];

		if ((c->relative ? value - frame->cfa : value) != c->value)
			return false;
	}
	return true;
}

struct known_stack *known_find(const struct hook_frame *frame)
{
	uintptr_t end;
	struct known_stack *known;

	if (options.unwind == UNWIND_FULL || !frame->caller)
		return NULL;
	end = thread_outermost();
	if (frame->cfa >= end)
		return NULL;
	known = atomic_load_explicit(bucket(frame->caller, end - frame->cfa),
				     memory_order_acquire);
	for (; known; known = known->next) {
		if (known->caller == frame->caller && known->total == end - frame->cfa &&
		    !atomic_load_explicit(&known->retired, memory_order_relaxed) &&
		    matches(known, frame))
			return known;
	}
	return NULL;
}

cw_ref known_site(const struct known_stack *known)
{
	return known->site;
}

static bool modules_may_differ(const struct known_stack *known)
{
	return atomic_load_explicit(&known->unloads, memory_order_relaxed) !=
	       modules_unloads();
}

RARE static bool is_turn(void)
{
	if (options.unwind == UNWIND_AUDIT)
		return true;
	/* Threads that live for a few captures begin at different places. */
	if (!until_audit)
		until_audit = AUDIT_EVERY - thread_id() * AUDIT_STRIDE % AUDIT_EVERY;
	if (--until_audit)
		return false;
	until_audit = AUDIT_EVERY;
	return true;
}

bool known_audit_due(const struct known_stack *known)
{
	if (modules_may_differ(known))
		return true;
	if (until_audit > 1) {
		until_audit--;
		return false;
	}
	return is_turn();
}

bool known_compared(struct known_stack *known, cw_ref site)
{
	if (site == known->site) {
		atomic_store_explicit(&known->unloads, modules_unloads(),
				      memory_order_relaxed);
		return false;
	}
	atomic_store(&known->retired, 1);
	return !modules_may_differ(known);
}

void known_log_word(struct known_log *log, uintptr_t address, uintptr_t value)
{
	if (!log->outside)
		return;
	if (address < FRAME_LOW(&log->frame) || address % sizeof address ||
	    log->count == KNOWN_WORDS) {
		log->unusable = true;
		return;
	}
	for (uint32_t i = 0; i < log->count; i++) {
		if (log->words[i].address == address)
			return;
	}
	log->words[log->count++] = (struct known_word){address, value};
}

void known_log_other(struct known_log *log)
{
	if (log->outside)
		log->unusable = true;
}

/* Every word must lie between the hook's frame and the thread's end: only there is a distance
 * from the frame the same place in another thread. (A register that a frame without unwind
 * information used as it liked can lead the unwinder anywhere that is readable today.) */
static bool on_this_stack(const struct known_log *log)
{
	for (uint32_t i = 0; i < log->count; i++) {
		if (log->words[i].address > outermost)
			return false;
	}
	return true;
}

uintptr_t known_total(const struct known_log *log)
{
	return outermost - log->frame.cfa;
}

bool known_is_relative(const struct known_log *log, uintptr_t value)
{
	return value >= FRAME_LOW(&log->frame) && value <= outermost;
}

bool known_place(struct known_log *log, uintptr_t total)
{
	if (!outermost || total > STACK_SPAN || total > outermost)
		return false;
	log->frame.cfa = outermost - total;
	return true;
}

static struct check check_of(const struct known_log *log, const struct known_word *w)
{
	bool relative = known_is_relative(log, w->value);

	return (struct check){
		.distance = (uint32_t)((w->address - FRAME_LOW(&log->frame)) /
				       sizeof(uintptr_t)),
		.relative = relative,
		.value = relative ? w->value - log->frame.cfa : w->value,
	};
}

static bool is_same(const struct known_stack *known, const struct known_log *log)
{
	if (known->caller != log->frame.caller || known->total != known_total(log) ||
	    known->count != log->count)
		return false;
	for (uint32_t i = 0; i < log->count; i++) {
		struct check c = check_of(log, &log->words[i]);

		if (known->checks[i].distance != c.distance ||
		    known->checks[i].relative != c.relative ||
		    known->checks[i].value != c.value)
			return false;
	}
	return true;
}

static bool is_remembered(const struct known_stack *known, const struct known_log *log,
			  cw_ref site)
{
	for (; known; known = known->next) {
		if (known->site == site &&
		    !atomic_load_explicit(&known->retired, memory_order_relaxed) &&
		    is_same(known, log))
			return true;
	}
	return false;
}

bool known_remember(const struct known_log *log, cw_ref site)
{
	uintptr_t cfa = log->frame.cfa;
	struct known_stack *known;
	_Atomic(struct known_stack *) *head;

	if (options.unwind == UNWIND_FULL || log->unusable || !log->outside ||
	    !log->frame.caller || cfa >= outermost || remembered == KNOWN_MAX ||
	    !on_this_stack(log))
		return false;
	head = bucket(log->frame.caller, known_total(log));
	if (is_remembered(atomic_load_explicit(head, memory_order_relaxed), log, site))
		return false;
	known = arena_take(sizeof *known + log->count * sizeof *known->checks);
	if (!known)
		return false;
	known->caller = log->frame.caller;
	known->total = known_total(log);
	known->site = site;
	known->unloads = modules_unloads();
	known->count = log->count;
	known->leading = 0;
	for (uint32_t i = 0; i < log->count; i++) {
		known->checks[i] = check_of(log, &log->words[i]);
		if (!known->checks[i].relative && known->leading == i)
			known->leading++;
	}
	known->next = atomic_load_explicit(head, memory_order_relaxed);
	atomic_store_explicit(head, known, memory_order_release);
	remembered++;
	return true;
}
