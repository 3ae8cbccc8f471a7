/* SPDX-License-Identifier: MIT */
/* The offsets of the versions that are known. */
#include <stddef.h>
#include <string.h>

#include "proc.h"
#include "python_memory.h"
#include "python_offsets.h"

#define NAMES_TO_311 .ascii = 48, .compact = 72, .bytes = 32
#define NAMES_312    .ascii = 40, .compact = 56, .bytes = 32
#define FRAMES_TO_39 .back = 24, .frame_code = 32, .lasti_unit = 1

/* PyFunctionObject, 3.6 to 3.9 and from 3.10 on. */
#define FUNCTION_TO_39 .function_code = 16, .function_closure = 48
#define FUNCTION_310   .function_code = 48, .function_closure = 72

/* clang-format off */
static const struct {
	unsigned major, minor;
	struct python_offsets offsets;
} table[] = {
	{2, 7, {.thread_frame = 16, .thread_id = 144, FRAMES_TO_39, .lasti = 120,
		.file = 80, .name = 88, .first_line = 96, .table = 104, .code_size = 128,
		.bytes = 36, .byte_names = true, .lines = PYTHON_LINES_UNSIGNED}},
	{3, 6, {.thread_frame = 24, .thread_id = 152, FRAMES_TO_39, .lasti = 120,
		.file = 96, .name = 104, .first_line = 36, .table = 112, .code_size = 144,
		NAMES_TO_311, FUNCTION_TO_39, .locals = 376, .free_names = 72,
		.lines = PYTHON_LINES_SIGNED}},
	{3, 7, {.thread_frame = 24, .thread_id = 176, FRAMES_TO_39, .lasti = 104,
		.file = 96, .name = 104, .first_line = 36, .table = 112, .code_size = 144,
		NAMES_TO_311, FUNCTION_TO_39, .locals = 360, .free_names = 72,
		.lines = PYTHON_LINES_SIGNED}},
	{3, 8, {.thread_frame = 24, .thread_id = 176, FRAMES_TO_39, .lasti = 104,
		.file = 104, .name = 112, .first_line = 40, .table = 120, .code_size = 176,
		NAMES_TO_311, FUNCTION_TO_39, .locals = 360, .free_names = 80,
		.lines = PYTHON_LINES_SIGNED}},
	{3, 9, {.thread_frame = 24, .thread_id = 176, FRAMES_TO_39, .lasti = 104,
		.file = 104, .name = 112, .first_line = 40, .table = 120, .code_size = 176,
		NAMES_TO_311, FUNCTION_TO_39, .locals = 360, .free_names = 80,
		.lines = PYTHON_LINES_SIGNED}},
	{3, 10, {.thread_frame = 24, .thread_id = 176, .back = 24, .frame_code = 32,
		.lasti = 96, .lasti_unit = 2,
		.file = 104, .name = 112, .first_line = 40, .table = 120, .code_size = 176,
		NAMES_TO_311, FUNCTION_310, .locals = 352, .free_names = 80,
		.lines = PYTHON_LINES_RANGES}},
	{3, 11, {.thread_frame = 56, .has_cframe = true, .cframe_frame = 8,
		.thread_id = 152, .back = 48, .frame_code = 32, .lasti = 56, .entry = 68,
		.file = 112, .name = 128, .first_line = 72, .table = 136, .code_size = 184,
		NAMES_TO_311, FUNCTION_310, .locals = 72, .free_names = 96,
		.lines = PYTHON_LINES_LOCATIONS}},
	{3, 12, {.thread_frame = 56, .has_cframe = true, .cframe_frame = 0,
		.thread_id = 136, .back = 8, .frame_code = 0, .lasti = 56, .owner = 70,
		.file = 112, .name = 128, .first_line = 68, .table = 136, .code_size = 192,
		NAMES_312, FUNCTION_310, .locals = 72, .free_names = 96,
		.lines = PYTHON_LINES_LOCATIONS}},
};
/* clang-format on */

/* Which words of _Py_DebugOffsets (Include/internal/pycore_debug_offsets.h, in 3.13
 * pycore_runtime.h) say what: they move from minor to minor. */
struct words {
	unsigned minor;
	uint8_t current_frame, thread_id, previous, executable, instr_ptr, locals, owner,
		file, qualname, linetable, first_line, locals_names, code_adaptive,
		ascii_size;
};

static const struct words published[] = {
	{13, 23, 24, 29, 30, 31, 32, 33, 35, 37, 38, 39, 41, 43, 70},
	{14, 26, 27, 32, 33, 34, 35, 36, 40, 42, 43, 44, 46, 48, 80},
};

#define WORD_COOKIE       0u
#define WORD_FREE_THREADS 2u
#define OFFSET_MAX        1024u /* of what we use */

static bool take_word(uint16_t *to, uintptr_t runtime, unsigned index)
{
	uintptr_t value;

	if (!python_load(true, runtime + index * sizeof(uint64_t), &value) ||
	    value > OFFSET_MAX)
		return false;
	*to = (uint16_t)value;
	return true;
}

static bool is_published(uintptr_t runtime)
{
	uintptr_t cookie, free_threads;

	return runtime && python_load(true, runtime, &cookie) &&
	       memcmp(&cookie, "xdebugpy", sizeof cookie) == 0 &&
	       python_load(true, runtime + WORD_FREE_THREADS * sizeof(uint64_t),
			   &free_threads) &&
	       free_threads == 0;
}

static bool take_published(struct python_offsets *o, const struct words *w, uintptr_t at)
{
	if (!is_published(at))
		return false;
	*o = (struct python_offsets){
		.bytes = 32, FUNCTION_310, .lines = PYTHON_LINES_LOCATIONS};
	if (!take_word(&o->thread_frame, at, w->current_frame) ||
	    !take_word(&o->thread_id, at, w->thread_id) ||
	    !take_word(&o->back, at, w->previous) ||
	    !take_word(&o->frame_code, at, w->executable) ||
	    !take_word(&o->lasti, at, w->instr_ptr) ||
	    !take_word(&o->locals, at, w->locals) ||
	    !take_word(&o->free_names, at, w->locals_names) ||
	    !take_word(&o->owner, at, w->owner) || !take_word(&o->file, at, w->file) ||
	    !take_word(&o->name, at, w->qualname) ||
	    !take_word(&o->first_line, at, w->first_line) ||
	    !take_word(&o->table, at, w->linetable) ||
	    !take_word(&o->code_size, at, w->code_adaptive) ||
	    !take_word(&o->ascii, at, w->ascii_size))
		return false;
	o->compact =
		(uint16_t)(o->ascii + 16); /* PyCompactUnicodeObject: utf8, its size */
	return true;
}

#ifdef CW_TEST_PYTHON_OFFSETS
/* In a library built for a test only: "N+D" adds D to the N-th 16-bit word of the table. */
static void spoil(struct python_offsets *o)
{
	const char *how = proc_environment("CLOSEWAIT_TEST_OFFSETS");
	unsigned index = 0, delta = 0;
	uint16_t word;

	if (!how)
		return;
	for (; *how >= '0' && *how <= '9'; how++)
		index = index * 10 + (unsigned)(*how - '0');
	for (how += *how == '+'; *how >= '0' && *how <= '9'; how++)
		delta = delta * 10 + (unsigned)(*how - '0');
	if ((index + 1) * sizeof word > offsetof(struct python_offsets, byte_names))
		return;
	memcpy(&word, (char *)o + index * sizeof word, sizeof word);
	word = (uint16_t)(word + delta);
	memcpy((char *)o + index * sizeof word, &word, sizeof word);
}
#else
static void spoil(struct python_offsets *o)
{
	(void)o;
}
#endif

static bool take(struct python_offsets *offsets, unsigned major, unsigned minor,
		 uintptr_t runtime)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (table[i].major == major && table[i].minor == minor) {
			*offsets = table[i].offsets;
			return true;
		}
	}
	for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
		if (major == 3 && published[i].minor == minor)
			return take_published(offsets, &published[i], runtime);
	}
	return false;
}

bool python_offsets_of(struct python_offsets *offsets, unsigned major, unsigned minor,
		       uintptr_t runtime)
{
	if (!take(offsets, major, minor, runtime))
		return false;
	spoil(offsets);
	return true;
}
