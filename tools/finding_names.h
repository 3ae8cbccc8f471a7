/* SPDX-License-Identifier: MIT */
/* The words by which users name findings in options and in files: verdicts, faults, and `leak`. */
#pragma once

#include "trace/faults.h"

enum finding_class {
	FINDING_LEAK,    /* whatever its verdict */
	FINDING_VERDICT, /* value: enum verdict */
	FINDING_FAULT,   /* value: enum fault_kind */
};

struct finding_name {
	enum finding_class class;
	unsigned value;
};

/* Returns false if `size` bytes of `word` are none. */
bool finding_name_find(const char *word, size_t size, struct finding_name *name);

struct text_sink;
/* "leak, eof-ignored, …": all of them. */
void finding_names_put(const struct text_sink *sink);
