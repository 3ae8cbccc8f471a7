/* SPDX-License-Identifier: MIT */
/* Interns Python stacks. */
#include <limits.h>
#include <string.h>

#include "arena.h"
#include "extents.h"
#include "python_collected.h"
#include "python_find.h"
#include "python_handler.h"
#include "python_interrupted.h"
#include "python_key.h"
#include "python_lines.h"
#include "python_sites.h"
#include "python_text.h"
#include "python_walk.h"
#include "site_index.h"
#include "sites_internal.h"
#include "sys.h"

#define BUCKETS     4096u /* a power of two */
#define PAIRS_MAX   65536u
#define OBJECT_TYPE 8
#define OBJECT_SIZE 16

struct pair {
	struct pair *next; /* set before it is published, as all of it */
	uint64_t hash;
	cw_ref native;
	cw_ref site;
};

static _Atomic(struct pair *) buckets[BUCKETS];
static uint32_t pairs;

static _Atomic(struct pair *) *bucket(cw_ref native, uint64_t hash)
{
	return &buckets[(hash ^ native) * 0x9e3779b97f4a7c15ull >> 52 & (BUCKETS - 1)];
}

cw_ref python_site_find(cw_ref native, uint64_t hash)
{
	const struct pair *pair =
		atomic_load_explicit(bucket(native, hash), memory_order_acquire);

	for (; pair; pair = pair->next) {
		if (pair->hash == hash && pair->native == native)
			return pair->site;
	}
	return 0;
}

static void remember(cw_ref native, uint64_t hash, cw_ref site)
{
	_Atomic(struct pair *) *head = bucket(native, hash);
	struct pair *pair;

	if (!hash || pairs == PAIRS_MAX || python_site_find(native, hash))
		return;
	pair = arena_take(sizeof *pair);
	if (!pair)
		return;
	pair->hash = hash;
	pair->native = native;
	pair->site = site;
	pair->next = atomic_load_explicit(head, memory_order_relaxed);
	atomic_store_explicit(head, pair, memory_order_release);
	pairs++;
}

/* For the holder of the lock: too much for the program's stack. */
static struct {
	char text[PATH_MAX];
	char directory[PATH_MAX];
	bool asked;
	struct cw_frame frames[CW_SITE_PYTHON_MAX + CW_SITE_FRAMES_MAX];
} work;

static uintptr_t word(uintptr_t at)
{
	return *(const uintptr_t *)at;
}

static cw_ref intern_text(struct books *b, uintptr_t object)
{
	struct python_text text;

	if (!object || word(object + OBJECT_TYPE) != python.text_type ||
	    !python_text_of(object, &text))
		return sites_string_locked(b, "?");
	python_text_put(&text, work.text, sizeof work.text);
	return sites_string_locked(b, work.text);
}

/* Where relative names begin; as it was when the first of them was seen. Not by getcwd: that is no
 * call which sandbox.h knows to be let through. */
static cw_ref directory(struct books *b)
{
	if (!work.asked) {
		work.asked = true;
		sys_call(SYS_readlinkat, AT_FDCWD, "/proc/self/cwd", work.directory,
			 sizeof work.directory - 1);
	}
	return work.directory[0] == '/' ? sites_string_locked(b, work.directory) : 0;
}

static cw_ref intern_code(struct books *b, uintptr_t code)
{
	struct cw_code record = {
		.first_line = *(const uint32_t *)(code + python.at.first_line)};

	record.function = intern_text(b, word(code + python.at.name));
	record.file = intern_text(b, word(code + python.at.file));
	if (work.text[0] != '/' && work.text[0] != '<')
		record.directory = directory(b);
	if (!record.function || !record.file)
		return 0;
	return sites_record_locked(b, &record, sizeof record);
}

static int32_t line_of(const struct python_frame *frame)
{
	uintptr_t table = word(frame->code + python.at.table);

	if (!table || word(table + OBJECT_TYPE) != python.bytes_type)
		return 0;
	return python_line(python.at.lines, (const uint8_t *)table + python.at.bytes,
			   word(table + OBJECT_SIZE),
			   *(const int32_t *)(frame->code + python.at.first_line),
			   frame->lasti);
}

/* The first line of a function is where it is defined. */
static bool put_frame(struct books *b, const struct python_frame *frame, uint32_t place,
		      uint32_t flags)
{
	int32_t line = flags & CW_FRAME_HANDLER
			       ? *(const int32_t *)(frame->code + python.at.first_line)
			       : line_of(frame);
	cw_ref code = intern_code(b, frame->code);

	work.frames[place] = (struct cw_frame){
		.offset = line > 0 ? (uint64_t)line : 0,
		.module = code,
		.flags = CW_FRAME_PYTHON | flags,
	};
	return code != 0;
}

/* Where the connection goes comes first. Returns false if there is no room in the trace. */
static bool put_handler(struct books *b, const struct python_frame *frame,
			uint32_t *count)
{
	struct python_frame handler;

	if (!python_handler_find(frame, &handler))
		return true;
	memmove(work.frames + 1, work.frames, *count * sizeof *work.frames);
	++*count;
	return put_frame(b, &handler, 0, CW_FRAME_HANDLER);
}

/* How many frames; the rest is cut off if there are more than a site holds. The hash is that of
 * python_stack_hash(). */
static uint32_t take_frames(struct books *b, uint64_t *hash, uint16_t *flags)
{
	struct python_cursor cursor;
	struct python_frame frame;
	struct python_key_file file = {0};
	uint32_t count = 0, walked = 0;

	*hash = PYTHON_KEY_SEED;
	if (!python_walk_begin(&cursor, false))
		return 0;
	while (python_walk_next(&cursor, &frame)) {
		if (walked == CW_SITE_PYTHON_MAX || count == CW_SITE_PYTHON_MAX)
			*flags |= CW_SITE_CUT;
		if (walked == CW_SITE_PYTHON_MAX)
			return count;
		if (count < CW_SITE_PYTHON_MAX &&
		    !put_frame(b, &frame, count++,
			       python_walk_entered(&cursor, &frame, false)
				       ? CW_FRAME_ENTRY
				       : 0))
			return 0;
		*hash = python_key_add(*hash, &frame, &file);
		if (++walked > PYTHON_HANDLER_DEPTH)
			continue;
		if (!put_handler(b, &frame, &count))
			return 0;
		*hash = python_handler_add(*hash, &frame);
	}
	return cursor.lost ? 0 : count;
}

/* How often C called the interpreter, by its frames. */
static uint32_t entries(bool checked)
{
	struct python_cursor cursor;
	struct python_frame frame;
	uint32_t count = 0;

	if (!python_walk_begin(&cursor, checked))
		return 0;
	while (checked ? python_walk_next_checked(&cursor, &frame)
		       : python_walk_next(&cursor, &frame))
		count += python_walk_entered(&cursor, &frame, checked);
	return count;
}

/* How often its evaluation loop is on the native stack. */
static uint32_t evaluations(const struct cw_site *native)
{
	const struct module *m = python.eval_low ? modules_find(python.eval_low) : NULL;
	uint32_t count = 0;

	for (uint32_t i = 0; m && i < native->count; i++) {
		uintptr_t pc = m->base + native->frames[i].offset;

		count += native->frames[i].module == m->ref && pc > python.eval_low &&
			 pc <= python.eval_high;
	}
	return count;
}

/* Are the frames found those of the code that runs here? To 3.11 the state that the interpreter tells
 * of a thread is its first one, also while another runs, as that of a subinterpreter: then
 * its frames stand around what is running, and C called the interpreter more often than they
 * tell. (So it is on a greenlet's stack, too, whose frames are the right ones: hence this is asked only
 * where there are subinterpreters.) From 3.12 on it is the one that runs. */
static bool is_running(const struct cw_site *native, bool checked)
{
	if (python.at.owner || !python_is_several())
		return true;
	return python.eval_low && !(native->flags & CW_SITE_CUT) &&
	       evaluations(native) <= entries(checked);
}

/* A frame that calls is not at its first instruction, but where the interpreter handles a signal:
 * then another stack must prove it. */
static bool may_call(const struct python_frame *frame)
{
	return !python.at.lasti_unit || frame->lasti > 0;
}

/* The first stack is walked with every check there is. A thread that the interpreter does not know
 * proves nothing. */
static bool trusted(const struct cw_site *native)
{
	struct python_cursor cursor;
	struct python_frame frame;
	bool entered = true; /* as the outermost one must be */
	bool calls = true;
	unsigned count = 0;

	if (python_state() != PYTHON_FOUND)
		return python_state() == PYTHON_TRUSTED;
	if (!python_walk_begin(&cursor, true))
		return false;
	for (; python_walk_next_checked(&cursor, &frame); count++) {
		entered = python_walk_entered(&cursor, &frame, true);
		calls &= may_call(&frame);
	}
	if (cursor.lost || !entered || (!count && cursor.steps)) {
		python_distrust();
		return false;
	}
	if (!count || !calls || !is_running(native, true))
		return false;
	atomic_store(&python.state, PYTHON_TRUSTED);
	return true;
}

static cw_ref intern(struct books *b, const struct cw_site *native, uint32_t count,
		     uint16_t flags)
{
	uint32_t all = count + native->count;
	size_t size = all * sizeof *work.frames;
	struct cw_site *site;
	cw_ref ref;

	memcpy(work.frames + count, native->frames,
	       native->count * sizeof *native->frames);
	ref = site_index_find(work.frames, size);
	if (ref)
		return ref;
	site = sites_heap_take(b, sizeof *site + size);
	if (!site)
		return 0;
	memcpy(site, native, sizeof *site);
	site->flags |= flags;
	memcpy(site->frames, work.frames, size);
	python_judge_close(site, count);
	site->hash = sites_hash(site->frames, all);
	site->count = (uint16_t)all;
	ref = pointer_ref(site);
	site_index_add(site->frames, size, ref);
	return ref;
}

cw_ref python_site_make(struct books *b, cw_ref native)
{
	uint64_t hash;
	uint16_t flags = 0;
	uint32_t count;
	cw_ref site;

	if (!trusted(ref_pointer(native)) || !is_running(ref_pointer(native), false))
		return native;
	count = take_frames(b, &hash, &flags);
	if (!count)
		return native;
	site = intern(b, ref_pointer(native), count, flags);
	if (!site)
		return native;
	remember(native, hash, site);
	return site;
}

/* How many frames; 0: some of them could not be read, and so none is believed. */
static uint32_t take_interrupted(struct books *b, struct python_cursor *cursor,
				 uint16_t *flags)
{
	struct python_frame frame;
	uint32_t count = 0;

	while (python_interrupted_next(cursor, &frame)) {
		if (count == CW_SITE_PYTHON_MAX) {
			*flags |= CW_SITE_CUT;
			return count;
		}
		if (!put_frame(b, &frame, count++, 0))
			return 0;
	}
	return cursor->lost ? 0 : count;
}

cw_ref python_site_interrupted(struct books *b, cw_ref native, uintptr_t sp)
{
	enum python_state state = python_state();
	struct python_cursor cursor;
	uint16_t flags = 0;
	uint32_t count;

	if (state == PYTHON_NONE || state == PYTHON_REFUSED)
		return native;
	if (state != PYTHON_TRUSTED || python_may_be_gone())
		return 0;
	switch (python_interrupted_begin(&cursor, sp)) {
	case PYTHON_INTERRUPTED_NO:
		return native;
	case PYTHON_INTERRUPTED_FRAME:
		count = take_interrupted(b, &cursor, &flags);
		return count ? intern(b, ref_pointer(native), count, flags) : 0;
	default:
		return 0;
	}
}
