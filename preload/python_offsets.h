/* SPDX-License-Identifier: MIT */
/*
 * Where CPython keeps what its stack consists of, for each minor version.
 *
 * To 3.12 from a table, from 3.13 on from the interpreter's own _Py_DebugOffsets. Either is
 * believed only after python_check.h. Offsets are in bytes, for 64-bit machines.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum python_lines {
	PYTHON_LINES_UNSIGNED,  /* co_lnotab of 2.7 */
	PYTHON_LINES_SIGNED,    /* co_lnotab of 3.6 to 3.9 */
	PYTHON_LINES_RANGES,    /* co_linetable of 3.10, PEP 626 */
	PYTHON_LINES_LOCATIONS, /* co_linetable from 3.11, PEP 657 */
};

/* What is not there in a version is 0. */
struct python_offsets {
	uint16_t thread_frame; /* or of its cframe */
	uint16_t thread_id;
	bool has_cframe; /* 3.11, 3.12 */
	uint16_t cframe_frame;
	uint16_t back;
	uint16_t frame_code;
	uint16_t lasti;
	uint8_t lasti_unit; /* bytes; 0: it is a pointer into the code */
	uint16_t owner;     /* one byte; from 3.12 */
	uint16_t entry;     /* one byte, whether C called in here: 3.11 */
	uint16_t file;
	uint16_t name; /* the qualified one where there is one */
	uint16_t first_line;
	uint16_t table;
	uint16_t code_size; /* from 3.11 the bytecode begins there */
	uint16_t ascii;     /* where a str's data begin */
	uint16_t compact;
	uint16_t bytes;  /* where a bytes object's do */
	uint16_t locals; /* of a frame: its arguments, and what follows them */
	uint16_t function_code;
	uint16_t function_closure;
	uint16_t
		free_names; /* of a code object: a tuple, at its end the names of the closure */
	bool byte_names; /* names are byte strings: 2.7 */
	enum python_lines lines;
};

/* False: not a version that is known. `runtime` is _PyRuntime's address, 0 without. */
bool python_offsets_of(struct python_offsets *offsets, unsigned major, unsigned minor,
		       uintptr_t runtime);
