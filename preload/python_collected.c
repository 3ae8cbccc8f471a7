/* SPDX-License-Identifier: MIT */
/* Recognises closes of sockets that Python collected. */
#include <string.h>

#include "extents.h"
#include "python_collected.h"
#include "python_find.h"

/* The type's name, with its NUL, as CPython has had it since 2.x. */
static const char type_name[] = "_socket.socket";

/* Of PyTypeObject, from tp_name on (CPython: Include/cpython/object.h; the same from 3.4 to
 * 3.11). */
#define TYPE_FINALIZE (392 - 24)

/* Of PyType_Spec, from name on, and of PyType_Slot (Include/object.h; 3.12 makes the type of
 * them). */
#define SPEC_SLOTS    24
#define SLOT_SIZE     16
#define SLOTS_MAX     80 /* there are as many kinds of them */
#define SLOT_FINALIZE 80 /* Py_tp_finalize of Include/typeslots.h */

static uintptr_t word(uintptr_t at)
{
	return *(const uintptr_t *)at;
}

static bool in_variables(const struct module *m, uintptr_t at, size_t size)
{
	for (uint32_t i = 0; i < m->segments; i++) {
		if (m->readable[i].writable && at >= m->readable[i].low &&
		    at < m->readable[i].high && size <= m->readable[i].high - at)
			return true;
	}
	return false;
}

static uintptr_t from_slots(const struct module *m, uintptr_t slot)
{
	for (unsigned i = 0; i < SLOTS_MAX; i++, slot += SLOT_SIZE) {
		if (slot % sizeof slot || !in_variables(m, slot, SLOT_SIZE) ||
		    !word(slot))
			return 0;
		if ((int)word(slot) == SLOT_FINALIZE)
			return word(slot + 8);
	}
	return 0;
}

/* `at` holds the name of the type: it is a PyTypeObject, or what one is made of. */
static uintptr_t finalizer_of(const struct module *m, uintptr_t at)
{
	uintptr_t slots;

	if (!in_variables(m, at, SPEC_SLOTS + sizeof slots))
		return 0;
	slots = word(at + SPEC_SLOTS);
	if (in_variables(m, slots, SLOT_SIZE))
		return from_slots(m, slots);
	if (!in_variables(m, at, TYPE_FINALIZE + sizeof slots))
		return 0;
	return word(at + TYPE_FINALIZE);
}

static uintptr_t find_in(const struct module *m, uintptr_t low, uintptr_t high)
{
	for (uintptr_t at = (low + 7) & ~7ul; at + sizeof at <= high; at += sizeof at) {
		uintptr_t name = word(at);
		uintptr_t found;

		if (name < m->low || name >= m->high ||
		    !module_holds(m, name, sizeof type_name) ||
		    memcmp((const char *)name, type_name, sizeof type_name) != 0)
			continue;
		found = finalizer_of(m, at);
		if (found && found == module_function(m, found).low)
			return found;
	}
	return 0;
}

static uintptr_t find(const struct module *m)
{
	uintptr_t found = 0;

	for (uint32_t i = 0; i < m->segments && !found; i++) {
		if (m->readable[i].writable)
			found = find_in(m, m->readable[i].low, m->readable[i].high);
	}
	return found;
}

#if defined(__x86_64__)
/* Does the function jump there? Optimized for size or by a profile, GCC moves what is unlikely, as
 * this close is, into a part of its own, and both ways between the parts are jumps with a distance of
 * 32 bits: `jcc` or `jmp`. What looks like one by chance leads elsewhere. */
static bool jumps_to(const struct module *m, struct module_function from,
		     struct module_function to)
{
	if (!module_holds(m, from.low, from.high - from.low))
		return false;
	for (uintptr_t at = from.low; at + 5 <= from.high; at++) {
		const uint8_t *code = (const uint8_t *)at;
		int32_t distance;
		uintptr_t target;

		if (code[0] != 0xe9 &&
		    (at == from.low || code[-1] != 0x0f || (code[0] & 0xf0) != 0x80))
			continue;
		memcpy(&distance, code + 1, sizeof distance);
		target = at + 5 + (uintptr_t)(intptr_t)distance;
		if (target >= to.low && target < to.high)
			return true;
	}
	return false;
}
#else
static bool jumps_to(const struct module *m, struct module_function from,
		     struct module_function to)
{
	(void)m;
	(void)from;
	(void)to;
	return false;
}
#endif

static bool is_part_of(const struct module *m, uintptr_t function, uintptr_t pc)
{
	struct module_function here = module_function(m, pc);

	return here.low == function ||
	       (here.low && jumps_to(m, module_function(m, function), here));
}

bool python_finalizer_calls(const struct stack *stack)
{
	struct module *m;

	if ((python_state() != PYTHON_FOUND && python_state() != PYTHON_TRUSTED) ||
	    python.major < 3)
		return false;
	m = (struct module *)modules_find(stack->pcs[0] - 1);
	if (!m)
		return false;
	if (!m->finalizer_sought)
		m->finalizer = find(m);
	m->finalizer_sought = true;
	return m->finalizer && is_part_of(m, m->finalizer, stack->pcs[0] - 1);
}

static const char *text(cw_ref string)
{
	return ((const struct cw_string *)ref_pointer(string))->bytes;
}

static const struct cw_code *code_of(const struct cw_frame *frame)
{
	return ref_pointer(frame->module);
}

/* From 3.11 on names are qualified. */
static const char *name_of(const struct cw_frame *frame)
{
	const char *name = text(code_of(frame)->function);
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

static bool closes(const struct cw_frame *frame)
{
	static const char *const names[] = {"close", "aclose", "__exit__", "__aexit__",
					    "detach"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(name_of(frame), names[i]) == 0)
			return true;
	}
	return false;
}

static bool ends_with(const char *string, const char *end)
{
	size_t size = strlen(string), end_size = strlen(end);

	return size >= end_size && strcmp(string + size - end_size, end) == 0;
}

/* asyncio's __del__ that called socket's close(), and that _real_close(). */
static bool is_transport_dying(const struct cw_frame *frames, uint32_t i)
{
	return i == 2 && strcmp(name_of(&frames[1]), "close") == 0 &&
	       strcmp(name_of(&frames[2]), "__del__") == 0 &&
	       ends_with(text(code_of(&frames[2])->file), "/asyncio/selector_events.py");
}

void python_judge_close(struct cw_site *site, uint32_t count)
{
	for (uint32_t i = count; i-- > 0;) {
		if (is_transport_dying(site->frames, i)) {
			site->flags |= CW_SITE_COLLECTED;
			return;
		}
		if (closes(&site->frames[i])) {
			site->flags &= (uint16_t)~CW_SITE_COLLECTED;
			return;
		}
	}
}
