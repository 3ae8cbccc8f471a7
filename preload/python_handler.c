/* SPDX-License-Identifier: MIT */
/* Follows asyncio's factories. */
#include <string.h>

#include "arena.h"
#include "python_check.h"
#include "python_class.h"
#include "python_find.h"
#include "python_handler.h"
#include "python_key.h"
#include "python_memory.h"
#include "python_text.h"

#define OBJECT_TYPE   8
#define OBJECT_SIZE   16
#define TUPLE_ITEMS   24
#define METHOD_FUNC   16 /* PyMethodObject.im_func */
#define CELL_CONTENTS 16
#define REFERENCE_TAG 7ul /* of a _PyStackRef, 3.14 */

#define FACTORY_LOCAL 1   /* of _accept_connection: protocol_factory */
#define FACTORIES     4u  /* start_server and start_unix_server have each their own */
#define STEPS_MAX     8u  /* a partial of a bound method of … */
#define LEARNT_MAX    64u /* asyncio can be loaded anew, but not for ever */
#define CLOSURE_MAX   64u

/* A code object that was recognised. Its address alone may be another's by now. */
struct known_code {
	uintptr_t code;
	uintptr_t file, name, table;
	uintptr_t cell; /* of a factory: which of its closure is the handler */
};

/* Immutable once they are published. */
static _Atomic(const struct known_code *) accepting;
static _Atomic(const struct known_code *) factories[FACTORIES];
/* Which ways were gone to their end with checked loads: only there plain ones are made. */
static _Atomic bool proved_function, proved_class;
static _Atomic(uintptr_t) partial_type;
static _Atomic(uintptr_t) partial_function; /* its offset, set before the type */

static uintptr_t word(uintptr_t at)
{
	return *(const uintptr_t *)at;
}

/* `code` is a code object. */
static bool is_known(const struct known_code *known, uintptr_t code)
{
	return known && known->code == code &&
	       known->file == word(code + python.at.file) &&
	       known->name == word(code + python.at.name) &&
	       known->table == word(code + python.at.table);
}

static const struct known_code *known_factory(uintptr_t code)
{
	for (unsigned i = 0; i < FACTORIES; i++) {
		const struct known_code *known =
			atomic_load_explicit(&factories[i], memory_order_acquire);

		if (is_known(known, code))
			return known;
	}
	return NULL;
}

static const struct known_code *learn(uintptr_t code, uintptr_t cell)
{
	static unsigned learnt;
	struct known_code *known;

	if (learnt == LEARNT_MAX)
		return NULL;
	known = arena_take(sizeof *known);
	if (!known)
		return NULL;
	learnt++;
	*known = (struct known_code){
		.code = code,
		.file = word(code + python.at.file),
		.name = word(code + python.at.name),
		.table = word(code + python.at.table),
		.cell = cell,
	};
	return known;
}

static bool is_tuple(uintptr_t object, uintptr_t *size)
{
	return python_check_type(object, python.tuple_type) &&
	       python_load(true, object + OBJECT_SIZE, size) && *size <= CLOSURE_MAX;
}

/* Which of a closure's cells has the variable of that name: the closure's names are the last. */
static bool free_variable(uintptr_t code, uintptr_t function, const char *name,
			  uintptr_t *cell)
{
	uintptr_t names, count, closure, cells, text;

	if (!python_load(true, code + python.at.free_names, &names) ||
	    !is_tuple(names, &count) ||
	    !python_load(true, function + python.at.function_closure, &closure) ||
	    !is_tuple(closure, &cells) || cells > count)
		return false;
	for (*cell = 0; *cell < cells; ++*cell) {
		uintptr_t i = count - cells + *cell;

		if (python_load(true, names + TUPLE_ITEMS + i * sizeof i, &text) &&
		    python_check_is(text, name))
			return true;
	}
	return false;
}

/* The factory that start_server makes of its client_connected_cb. */
static const struct known_code *learn_factory(uintptr_t function, uintptr_t code)
{
	static unsigned next;
	const struct known_code *known = known_factory(code);
	uintptr_t cell;

	if (known)
		return known;
	if (!python_check_code(code) ||
	    !python_check_ends(word(code + python.at.file), "/asyncio/streams.py") ||
	    !python_check_ends(word(code + python.at.name), "factory") ||
	    !free_variable(code, function, "client_connected_cb", &cell))
		return NULL;
	known = learn(code, cell);
	if (known)
		atomic_store_explicit(&factories[next++ % FACTORIES], known,
				      memory_order_release);
	return known;
}

/* One that was not recognised is nobody's handler. */
static bool is_of_asyncio(uintptr_t code)
{
	return !python_check_code(code) ||
	       python_check_ends(word(code + python.at.file), "/asyncio/streams.py");
}

static bool is_partial(bool checked, uintptr_t type)
{
	uintptr_t offset;

	if (type == atomic_load_explicit(&partial_type, memory_order_acquire))
		return true;
	if (!checked || !python_check_type_name(type, "functools.partial") ||
	    !python_check_member(type, "func", &offset))
		return false;
	atomic_store(&partial_function, offset);
	atomic_store_explicit(&partial_type, type, memory_order_release);
	return true;
}

/* What the cell holds. */
static inline __attribute__((always_inline)) bool take_cell(bool checked,
							    uintptr_t function,
							    uintptr_t cell,
							    uintptr_t *object)
{
	uintptr_t closure, size, type, at;

	if (!python_load(checked, function + python.at.function_closure, &closure) ||
	    !closure || !python_load(checked, closure + OBJECT_TYPE, &type) ||
	    type != python.tuple_type ||
	    !python_load(checked, closure + OBJECT_SIZE, &size) || cell >= size ||
	    !python_load(checked, closure + TUPLE_ITEMS + cell * sizeof cell, &at) ||
	    !at || !python_load(checked, at + OBJECT_TYPE, &type) ||
	    type != python.cell_type)
		return false;
	return python_load(checked, at + CELL_CONTENTS, object);
}

enum step { NOTHING, FURTHER, CODE, CLASS };

/* A function of the program's is the end of the way, asyncio's own is not. */
static inline __attribute__((always_inline)) enum step of_function(bool checked,
								   uintptr_t function,
								   uintptr_t *object)
{
	const struct known_code *factory;
	uintptr_t code, type;

	if (!python_load(checked, function + python.at.function_code, &code) || !code ||
	    !python_load(checked, code + OBJECT_TYPE, &type) || type != python.code_type)
		return NOTHING;
	factory = checked ? learn_factory(function, code) : known_factory(code);
	if (!factory) {
		*object = code;
		return checked && is_of_asyncio(code) ? NOTHING : CODE;
	}
	return take_cell(checked, function, factory->cell, object) ? FURTHER : NOTHING;
}

static inline __attribute__((always_inline)) enum step one_step(bool checked,
								uintptr_t *object)
{
	uintptr_t at = *object, type;

	if (!at || !python_load(checked, at + OBJECT_TYPE, &type) || !type)
		return NOTHING;
	if (type == python.function_type)
		return checked || proved_function ? of_function(checked, at, object)
						  : NOTHING;
	if (type == python.method_type)
		return python_load(checked, at + METHOD_FUNC, object) ? FURTHER : NOTHING;
	if (is_partial(checked, type))
		return python_load(checked, at + atomic_load(&partial_function), object)
			       ? FURTHER
			       : NOTHING;
	return python_is_metaclass(checked, type) ? CLASS : NOTHING;
}

/* From the frame's protocol_factory to its end: *object. */
static inline __attribute__((always_inline)) enum step follow(
	bool checked, const struct python_frame *frame, uintptr_t *object)
{
	enum step step = FURTHER;

	if (!python_load(checked,
			 frame->at + python.at.locals + FACTORY_LOCAL * sizeof(uintptr_t),
			 object))
		return NOTHING;
	*object &= ~REFERENCE_TAG;
	for (unsigned i = 0; i < STEPS_MAX && step == FURTHER; i++)
		step = one_step(checked, object);
	return step == FURTHER ? NOTHING : step;
}

uint64_t python_handler_add(uint64_t hash, const struct python_frame *frame)
{
	const struct known_code *known =
		atomic_load_explicit(&accepting, memory_order_acquire);
	uintptr_t object = 0;

	if (!known || known->code != frame->code || !is_known(known, frame->code) ||
	    !(proved_function || proved_class))
		return hash;
	switch (follow(false, frame, &object)) {
	case CODE:
		return python_key_add(hash,
				      &(struct python_frame){.code = object, .lasti = -1},
				      &(struct python_key_file){0});
	case CLASS:
		if (!proved_class)
			return hash;
		return hash * 3 ^ python_class_key(object);
	default:
		return hash;
	}
}

/* Of a code object on the stack, whose names can be read. */
static bool ends_with(uintptr_t object, const char *wanted)
{
	struct python_text text;
	size_t size = strlen(wanted);

	return word(object + OBJECT_TYPE) == python.text_type &&
	       python_text_of(object, &text) && text.kind == 1 && text.length >= size &&
	       memcmp(text.data + text.length - size, wanted, size) == 0;
}

static bool is_accepting(uintptr_t code)
{
	const struct known_code *known = atomic_load(&accepting);

	if (is_known(known, code))
		return true;
	if (!ends_with(word(code + python.at.file), "/asyncio/selector_events.py") ||
	    !ends_with(word(code + python.at.name), "_accept_connection"))
		return false;
	known = learn(code, 0);
	if (known)
		atomic_store_explicit(&accepting, known, memory_order_release);
	return known;
}

bool python_handler_find(const struct python_frame *frame, struct python_frame *handler)
{
	uintptr_t object, code;

	if (!python.handlers || !is_accepting(frame->code))
		return false;
	switch (follow(true, frame, &object)) {
	case CODE:
		code = object;
		break;
	case CLASS:
		if (!python_class_method(object, &code))
			return false;
		break;
	default:
		return false;
	}
	*handler = (struct python_frame){.code = code, .lasti = -1};
	if (!python_check_frame(handler))
		return false;
	atomic_store(code == object ? &proved_function : &proved_class, true);
	return true;
}

void python_handler_forget(void)
{
	atomic_store(&accepting, NULL);
	for (unsigned i = 0; i < FACTORIES; i++)
		atomic_store(&factories[i], NULL);
	atomic_store(&partial_type, 0);
	atomic_store(&proved_function, false);
	atomic_store(&proved_class, false);
}
