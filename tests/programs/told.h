/* SPDX-License-Identifier: MIT */
/* One case of told, the tables of them, and what they have in common. */
#pragma once

#include "loopback.h"

#define STEP static __attribute__((noinline))

struct told_case {
	const char *name;
	void (*bring_about)(void);
	const char *verdict;
	int count;
	const char *told; /* the function that was; "-": none */
};

struct told_cases {
	const struct told_case *cases;
	size_t count;
};

extern const struct told_cases told_by_poll, told_by_epoll;

extern char buffer[64];

struct pair peer_closed(void);
struct pair peer_reset(void);
/* Asks for `events`, and is told `expected`. */
void poll_events(int fd, short events, short expected);
