/* SPDX-License-Identifier: MIT */
/* One case of eof_rules, the tables of them, and what they have in common. */
#pragma once

#include "loopback.h"

#define STEP static __attribute__((noinline))

struct eof_case {
	const char *name;
	void (*bring_about)(void);
	const char *verdict; /* "-": no finding, and nothing to show */
	int count;
};

struct eof_cases {
	const struct eof_case *cases;
	size_t count;
};

extern const struct eof_cases eof_kinds, eof_closing, eof_numbers, eof_verdicts,
	eof_rare_names;

extern char buffer[64];

/* Prints what a call returned, or its errno, and returns it. */
ssize_t told(const char *what, ssize_t result);

struct pair peer_closed(void);
/* A descriptor whose EOF was read. */
int at_eof(void);
void learn_first(int fd);
/* A pair that bytes went over both ways. */
struct pair used_by_both(void);
void answer_out_of_sight(const struct pair *pair);
