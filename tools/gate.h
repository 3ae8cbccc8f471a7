/* SPDX-License-Identifier: MIT */
/*
 * Which findings are a failure. What is suppressed or known from before is none.
 *
 * All zero is the gate that nobody asked anything of: every leak fails, no fault does.
 */
#pragma once

#include "trace/findings.h"

struct gate {
	bool asked; /* names were given; else: `leak` */
	bool leak;
	uint32_t verdicts;  /* bits 1 << enum verdict */
	uint32_t faults;    /* bits 1 << enum fault_kind */
	uint64_t max_leaks; /* sockets; so many are let pass */
};

/* Adds the names, comma-separated. Returns 0, or -1 after one line on standard error. */
int gate_names(struct gate *gate, const char *names);

/* Whether it names verdicts whose sockets are grouped only on demand. */
bool gate_wants_open(const struct gate *gate);

/* Whether it names verdicts that are no finding: a process that has only such ones ends with nothing
 * to tell, and gives its books back. */
bool gate_minds_clean_ends(const struct gate *gate);

/* How many sockets of run `index` it counts. */
uint64_t gate_sockets(const struct gate *gate, const struct groups *groups,
		      uint32_t index);
/* Whether it counts what happened at that place. */
bool gate_minds(const struct gate *gate, const struct fault_place *place);

/* More sockets than are let pass, or a fault that was named. */
bool gate_fails(const struct gate *gate, const struct findings *findings);
