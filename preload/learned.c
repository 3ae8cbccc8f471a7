/* SPDX-License-Identifier: MIT */
/* Passes stacks that were unwound in a fork child on to its parent. */
#include <string.h>
#include <sys/prctl.h>

#include "extents.h"
#include "learned.h"
#include "modules.h"
#include "proc.h"
#include "sys.h"

/* First read, end-of-file and close of one child. */
#define SLOTS 3u
#define SPACE ((sizeof(struct cw_process) + 63) & ~(size_t)63)
#define ROOM  ((CW_EXTENT_SIZE - SPACE) / SLOTS & ~(size_t)63)

/* Kinds of `state`. Above WRITING stands who writes: its pid, 0 in another pid namespace. */
enum { FREE, WRITING, READY };
#define KIND_BITS 2u
#define KIND      ((1u << KIND_BITS) - 1)

_Static_assert(CW_NO_HEIR < UINT32_MAX >> KIND_BITS, "room for a pid");

/* Words of the stack as distances from the hook's frame; those that point into it are such, too. */
struct word {
	uint32_t distance; /* bytes << 1 | the value is a distance */
	uint32_t value[2];
};

struct slot {
	_Atomic uint32_t state;
	uint32_t unloads;
	uint64_t libraries; /* a hash of what the frames lie in */
	uint64_t caller;
	uint64_t total; /* bytes from the hook's frame to the thread's outermost one */
	char thread[16];
	uint32_t frames;
	uint32_t words;
	uint64_t pcs[]; /* then the words */
};

_Static_assert(sizeof(struct cw_process) + 1024 * SLOTS < CW_EXTENT_SIZE,
	       "room for thirty frames each");

static struct slot *slot_at(uint32_t extent, unsigned i)
{
	return (struct slot *)((uint8_t *)extent_bytes(extent) + SPACE + i * ROOM);
}

static struct word *words_of(struct slot *s)
{
	return (struct word *)(s->pcs + s->frames);
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ ((const uint8_t *)bytes)[i]) * 1099511628211u; /* FNV-1a */
	return hash;
}

/* The same libraries at the same places: a name is its place, too, in memory that was copied. */
static uint64_t libraries_hash(const struct stack *stack)
{
	uint64_t hash = 14695981039346656037u;
	const struct module *last = NULL;

	for (uint32_t i = 0; i < stack->count; i++) {
		const struct module *m = modules_find(stack->pcs[i] - 1);

		if (i && m == last)
			continue;
		last = m;
		if (!m)
			hash = mix(hash, "", 1);
		else {
			hash = mix(hash, &m->low, sizeof m->low);
			hash = mix(hash, &m->high, sizeof m->high);
			hash = mix(hash, &m->base, sizeof m->base);
			hash = mix(hash, &m->name, sizeof m->name);
			hash = mix(hash, m->build_id, sizeof m->build_id);
		}
	}
	return hash;
}

static struct word packed(const struct known_log *log, const struct known_word *w)
{
	bool relative = known_is_relative(log, w->value);
	uint64_t value = relative ? w->value - log->frame.cfa : w->value;
	/* The lowest words lie below the CFA. */
	uint64_t distance = w->address - (log->frame.cfa - 2 * sizeof(uintptr_t));

	return (struct word){(uint32_t)distance << 1 | relative,
			     {(uint32_t)value, (uint32_t)(value >> 32)}};
}

static struct known_word unpacked(const struct known_log *log, const struct word *w)
{
	uint64_t value = (uint64_t)w->value[1] << 32 | w->value[0];
	uintptr_t low = log->frame.cfa - 2 * sizeof(uintptr_t);

	return (struct known_word){low + (w->distance >> 1),
				   w->distance & 1 ? value + log->frame.cfa : value};
}

static void fill(struct slot *s, const struct stack *stack, const struct known_log *log)
{
	struct word *words;

	s->unloads = modules_unloads();
	s->libraries = libraries_hash(stack);
	s->caller = log->frame.caller;
	s->total = known_total(log);
	sys_call(SYS_prctl, PR_GET_NAME, s->thread, 0, 0);
	s->frames = stack->count;
	s->words = log->count;
	memcpy(s->pcs, stack->pcs, stack->count * sizeof *s->pcs);
	words = words_of(s);
	for (uint32_t i = 0; i < log->count; i++)
		words[i] = packed(log, &log->words[i]);
}

static size_t size_of(uint32_t frames, uint32_t words)
{
	return sizeof(struct slot) + frames * sizeof(uint64_t) +
	       words * sizeof(struct word);
}

/* By its pid in the parent's pid namespace. */
static uint32_t writing(const struct cw_process *child, uint32_t parent)
{
	const struct cw_process *p = extent_bytes(parent);
	bool seen = child->pid_ns && child->pid_ns == p->pid_ns;

	return (seen ? child->pid << KIND_BITS : 0) | WRITING;
}

/* Its child was killed over it, and writes no more. One that is stopped, or whose pid is another's
 * by now, may: the slot is left to it. */
static void free_of_the_dead(struct slot *s, uint32_t state)
{
	uint32_t pid = state >> KIND_BITS;

	if ((state & KIND) == WRITING && pid && proc_gone(pid, 0))
		atomic_compare_exchange_strong(&s->state, &state, FREE);
}

void learned_tell(struct books *b, const struct stack *stack, const struct known_log *log)
{
	uint32_t parent = b->process->parent;

	if (!parent || stack->flags || stack->exact ||
	    size_of(stack->count, log->count) > ROOM)
		return;
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *s = slot_at(parent, i);
		uint32_t state = FREE;

		if (!atomic_compare_exchange_strong(&s->state, &state,
						    writing(b->process, parent)))
			continue;
		fill(s, stack, log);
		atomic_store_explicit(&s->state, READY, memory_order_release);
		return;
	}
}

static bool take(struct slot *s, struct stack *stack, struct known_log *log)
{
	const struct word *words;

	if (!s->frames || s->frames > CW_SITE_FRAMES_MAX || s->words > KNOWN_WORDS ||
	    size_of(s->frames, s->words) > ROOM || s->unloads != modules_unloads())
		return false;
	stack->count = s->frames;
	stack->flags = 0;
	stack->exact = 0;
	for (uint32_t i = 0; i < s->frames; i++)
		stack->pcs[i] = s->pcs[i];
	if (libraries_hash(stack) != s->libraries || !known_place(log, s->total))
		return false;
	log->frame.caller = s->caller;
	log->outside = true;
	log->unusable = false;
	log->count = s->words;
	words = words_of(s);
	for (uint32_t i = 0; i < s->words; i++) {
		log->words[i] = unpacked(log, &words[i]);
		/* On this thread's stack by accident. */
		if (known_is_relative(log, log->words[i].value) !=
		    (words[i].distance & 1))
			return false;
	}
	return true;
}

bool learned_next(struct books *b, unsigned *next, struct stack *stack,
		  struct known_log *log, char thread[16])
{
	while (*next < SLOTS) {
		struct slot *s = slot_at(b->extent, (*next)++);
		uint32_t state = atomic_load_explicit(&s->state, memory_order_acquire);
		bool taken;

		if (state != READY) {
			free_of_the_dead(s, state);
			continue;
		}
		taken = take(s, stack, log);
		memcpy(thread, s->thread, sizeof s->thread);
		atomic_store_explicit(&s->state, FREE, memory_order_release);
		if (taken)
			return true;
	}
	return false;
}
