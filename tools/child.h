/* SPDX-License-Identifier: MIT */
/*
 * Runs one command as if nobody stood between it and whoever started us.
 *
 * It keeps our process group, terminal and signal dispositions. Signals that are sent to us are
 * passed on; those that the terminal sends reach it by themselves. As process 1 of a container
 * we reap whatever is left to us.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int status; /* wait(2)'s, once it has ended */
	/* ns, monotonic: when it was seen to end, by who was there at once; else the last moment at
	 * which it was known to live */
	uint64_t ended;
	uint64_t passed; /* signals that it was sent through us: bit n - 1 of signal n */
	uint64_t terminal; /* SIGINT and SIGQUIT that the terminal sent to both */
};

/* Starts argv with the environment as it is. Returns 0, or an errno value: ENOENT, EACCES, … of
 * exec, after which there is no child. */
int child_start(struct child *child, char *const argv[]);

/* What is done every `period` nanoseconds while a child is waited for. */
struct ticker {
	uint64_t period;
	void (*tick)(void *context);
	void *context;
};

/* Waits for its end, passing signals on. To be called at once after child_start(). `ticker` may
 * be NULL. */
void child_wait(struct child *child, const struct ticker *ticker);

/* Ends as it ended: by the same signal, without a core of our own, or with the same status. */
__attribute__((noreturn)) void child_end_alike(const struct child *child);

/* Whether its end is a failure of its own: a status that is not 0, or a signal that neither we
 * passed on nor the terminal sent. (128 + n is how shells and JVMs tell of signal n.) */
bool child_failed(const struct child *child);
