/* SPDX-License-Identifier: MIT */
/* The self-check, with checked loads throughout. */
#include <string.h>

#include "python_check.h"
#include "python_find.h"
#include "python_memory.h"
#include "python_text.h"

/* struct _typeobject and PyMemberDef, the same from 2.7 to 3.14. */
#define TYPE_NAME       24
#define TYPE_BASIC_SIZE 32
#define TYPE_MEMBERS    240
#define MEMBER_OFFSET   16
#define MEMBER_SIZE     40
#define MEMBERS_MAX     64
#define NAME_MAX_SIZE   24 /* of those looked for, "functools.partial" */

#define FIRST_LINE_MAX 10000000
#define TABLE_MAX      (16u << 20)

#define OBJECT_TYPE 8
#define OBJECT_SIZE 16

bool python_check_member(uintptr_t type, const char *wanted, uintptr_t *offset)
{
	uintptr_t at, name;

	if (!type || !python_load(true, type + TYPE_MEMBERS, &at))
		return false;
	for (unsigned i = 0; i < MEMBERS_MAX; i++, at += MEMBER_SIZE) {
		if (!python_load(true, at, &name) || !name ||
		    !python_readable(name, NAME_MAX_SIZE))
			return false;
		if (strcmp((const char *)name, wanted) == 0)
			return python_load(true, at + MEMBER_OFFSET, offset);
	}
	return false;
}

/* False only if the type contradicts. */
static bool agrees(uintptr_t type, const char *name, uint16_t expected)
{
	uintptr_t offset;

	return !python_check_member(type, name, &offset) || offset == expected;
}

static bool check_code(void)
{
	const struct python_offsets *at = &python.at;
	const char *name =
		python.at.lines == PYTHON_LINES_LOCATIONS ? "co_qualname" : "co_name";
	uintptr_t value;

	if (!python_load(true, python.code_type + TYPE_BASIC_SIZE, &value) ||
	    value != at->code_size)
		return false;
	if (!python_check_member(python.code_type, "co_filename", &value) ||
	    value != at->file ||
	    !python_check_member(python.code_type, "co_firstlineno", &value) ||
	    value != at->first_line ||
	    !python_check_member(python.code_type, name, &value) || value != at->name)
		return false;
	if (at->lines != PYTHON_LINES_LOCATIONS) {
		if (!python_check_member(python.code_type, "co_code", &value))
			return false;
		python.bytecode = (uint16_t)value;
	}
	return agrees(python.code_type, "co_linetable", at->table) &&
	       agrees(python.code_type, "co_lnotab", at->table);
}

/* Where the characters begin: a str object that is not compact has a pointer more than one that
 * is, a bytes object has the closing NUL. */
static bool check_strings(void)
{
	const struct python_offsets *at = &python.at;
	uintptr_t bytes, text;

	if (!python_load(true, python.bytes_type + TYPE_BASIC_SIZE, &bytes) ||
	    bytes != at->bytes + 1u)
		return false;
	if (at->byte_names)
		return true;
	/* PyASCIIObject and PyCompactUnicodeObject, with wstr and without */
	return python_load(true, python.text_type + TYPE_BASIC_SIZE, &text) &&
	       text == at->compact + sizeof(uintptr_t) &&
	       ((at->ascii == 48 && at->compact == 72) ||
		(at->ascii == 40 && at->compact == 56));
}

bool python_check_types(void)
{
	if (!python.code_type || !python.text_type || !python.bytes_type ||
	    !check_code() || !check_strings())
		return false;
	/* To 3.10: later a frame object is no frame. That of 3.10 does not tell of f_lasti. */
	if (python.at.lines == PYTHON_LINES_LOCATIONS)
		return true;
	return agrees(python.frame_type, "f_back", python.at.back) &&
	       agrees(python.frame_type, "f_code", python.at.frame_code) &&
	       agrees(python.frame_type, "f_lasti", python.at.lasti);
}

bool python_check_type(uintptr_t object, uintptr_t type)
{
	uintptr_t found;

	return object && python_load(true, object + OBJECT_TYPE, &found) && found == type;
}

/* A string that can be read. */
static bool readable_text(uintptr_t object, struct python_text *text)
{
	return python_check_type(object, python.text_type) &&
	       python_readable(object, 64) && python_text_of(object, text) &&
	       text->length &&
	       python_readable((uintptr_t)text->data, python_text_size(text));
}

static bool check_text(uintptr_t at)
{
	struct python_text text;
	uintptr_t object;

	return python_load(true, at, &object) && readable_text(object, &text);
}

bool python_check_is(uintptr_t object, const char *wanted)
{
	struct python_text text;

	return readable_text(object, &text) && text.kind <= 1 &&
	       text.length == strlen(wanted) &&
	       memcmp(text.data, wanted, text.length) == 0;
}

bool python_check_ends(uintptr_t object, const char *wanted)
{
	struct python_text text;
	size_t size = strlen(wanted);

	return readable_text(object, &text) && text.kind <= 1 && text.length >= size &&
	       memcmp(text.data + text.length - size, wanted, size) == 0;
}

static bool check_bytes(uintptr_t at, uintptr_t *size)
{
	uintptr_t object;

	return python_load(true, at, &object) &&
	       python_check_type(object, python.bytes_type) &&
	       python_load(true, object + OBJECT_SIZE, size) && *size <= TABLE_MAX &&
	       python_readable(object + python.at.bytes, *size + 1);
}

/* Bytes of bytecode. */
static bool code_length(uintptr_t code, uintptr_t *size)
{
	if (python.at.lines != PYTHON_LINES_LOCATIONS)
		return check_bytes(code + python.bytecode, size);
	if (!python_load(true, code + OBJECT_SIZE, size) || *size > TABLE_MAX)
		return false;
	*size *= 2;
	return true;
}

static bool check_code_object(uintptr_t code, uintptr_t *size)
{
	uintptr_t table;
	int32_t line;

	return python_check_type(code, python.code_type) &&
	       check_text(code + python.at.file) && check_text(code + python.at.name) &&
	       check_bytes(code + python.at.table, &table) &&
	       python_load_int(true, code + python.at.first_line, &line) && line >= 0 &&
	       line < FIRST_LINE_MAX && code_length(code, size);
}

bool python_check_code(uintptr_t code)
{
	uintptr_t size;

	return check_code_object(code, &size);
}

bool python_check_frame(const struct python_frame *frame)
{
	uintptr_t size;

	return check_code_object(frame->code, &size) && frame->lasti >= -2 &&
	       (frame->lasti < 0 || (uintptr_t)frame->lasti < size);
}

bool python_check_function(uintptr_t object, uintptr_t *code)
{
	return python_check_type(object, python.function_type) &&
	       python_load(true, object + python.at.function_code, code) &&
	       python_check_code(*code);
}

bool python_check_type_name(uintptr_t type, const char *wanted)
{
	uintptr_t name;
	size_t size = strlen(wanted) + 1;

	return python_load(true, type + TYPE_NAME, &name) && name &&
	       python_readable(name, size) &&
	       memcmp((const char *)name, wanted, size) == 0;
}

/* Without these only handlers are not known. PyFunctionObject has func_code right before
 * func_globals to 3.9, and three words before func_closure from 3.10 on. */
void python_check_handlers(void)
{
	const struct python_offsets *at = &python.at;
	uintptr_t closure, globals;

	python.handlers =
		python.function_type && python.method_type && python.cell_type &&
		python.tuple_type && at->locals && at->free_names &&
		python_check_member(python.function_type, "__closure__", &closure) &&
		python_check_member(python.function_type, "__globals__", &globals) &&
		closure == at->function_closure &&
		(at->function_code + 8u == globals ||
		 at->function_code + 24u == closure) &&
		agrees(python.code_type, "co_freevars", at->free_names);
}
