/* SPDX-License-Identifier: MIT */
/*
 * Known stacks, recognised without unwinding them (x86_64; elsewhere nothing is ever known).
 *
 * Unwinding is a function of the registers it starts from and the stack words it reads. While an
 * unknown stack is unwound, every word that is read beyond the hook's own frame is noted:
 * where it lay, as a distance from that frame, and what it was (pointers into the stack relative
 * to it). If all of them are found again, at the same distances, the unwinder would read the same
 * and come to the same frames, so the site is the same: whatever rules its frames have. They are
 * compared in the order in which they were read: each lies in a frame that those before it prove
 * to be there.
 *
 * A stack is only remembered if the way out of our own frames needed nothing but the return
 * address and the frame pointer, and only recognised where the distance to the thread's outermost
 * frame is the same: coroutines, on stacks of their own, are always unwound.
 *
 * known_find() takes no lock and may run in a signal handler. The entries are immutable once
 * published; remembering is for the holder of the sites' lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "trace/format.h"

/* The frame of the hook that the program called: what lies at and above it is the program's. */
struct hook_frame {
	uintptr_t cfa;    /* the stack pointer before the call */
	uintptr_t caller; /* the return address; 0: not found */
};

/* The words read so far by one unwind. */
#define KNOWN_WORDS 192
struct known_log {
	struct hook_frame frame;
	bool outside;  /* the cursor has left our own frames */
	bool unusable; /* it needed something that cannot be found again */
	uint32_t count;
	struct known_word {
		uintptr_t address;
		uintptr_t value;
	} words[KNOWN_WORDS];
};

struct known_stack;

/* The entry for the stack above `frame`, or NULL. */
struct known_stack *known_find(const struct hook_frame *frame);

cw_ref known_site(const struct known_stack *known);

/* True if this hit is one to be unwound all the same and compared: one in a thousand, or all, or
 * because libraries were unloaded since: another may lie where one of its frames was. */
bool known_audit_due(const struct known_stack *known);

/* What the comparison found: whether `site` is what it stands for. Returns true if it is not and
 * should have been: the recognition is wrong. It is never recognised again then. */
bool known_compared(struct known_stack *known, cw_ref site);

/* Notes what an unwind reads: a word of the stack, or something else that it depends on. */
void known_log_word(struct known_log *log, uintptr_t address, uintptr_t value);
void known_log_other(struct known_log *log);

/* The outermost frame of this thread was reached: its stack pointer. */
void known_outermost(uintptr_t sp);

/* Does the address lie in the calling thread's own stack, from `low` (in it) to its end? */
bool known_on_stack(uintptr_t low, uintptr_t address);

/* Publishes what was logged as `site`, if it can be; false: not, or it was published before. */
bool known_remember(const struct known_log *log, cw_ref site);

/* Of a log that was published: bytes from the hook's frame to this thread's outermost one, and
 * whether a value is remembered as a distance. */
uintptr_t known_total(const struct known_log *log);
bool known_is_relative(const struct known_log *log, uintptr_t value);

/* Places the log's frame so far below this thread's outermost one. False: that is not known, or
 * the stack does not reach so far. */
bool known_place(struct known_log *log, uintptr_t total);

void known_init(void);
