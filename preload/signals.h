/* SPDX-License-Identifier: MIT */
/*
 * Signals whose default ends the process get a handler of ours, where they are at their
 * default.
 *
 * The program never sees it: whatever would tell of our handler says SIG_DFL. There is no
 * table of dispositions here, the kernel's is the only one. Process 1 of a pid namespace
 * gets none: the kernel ignores default signals there, and a handler would change that.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>

void signals_install(void);

/* The body of every sigaction-like hook: `set` and `old` as the program gave them. */
int signals_action(int sig, const struct sigaction *set, struct sigaction *old);

/* The same for the signal()-like ones; `flags` is what that function sets beside
 * the handler. */
sighandler_t signals_handler(sighandler_t (*next)(int, sighandler_t), int sig,
			     sighandler_t handler, int flags);

/* libc's siginterrupt() has changed the disposition, ours being what it found: from now on it
 * reads back as one that was set. `sig` is a valid number. */
void signals_interrupting(int sig, bool interrupt);

/* A thread has set an alternate stack of `size` bytes. */
void signals_alternate(size_t size);

/* What the program is shown where the kernel holds `handler`. */
sighandler_t signals_shown(sighandler_t handler);

/* Before a signal is sent to the process itself: if it will end it and our handler is not
 * in place (SA_RESETHAND took it away), the report is written now. True: it was, and if the
 * caller lives on, exit_not_yet() is due. While it is blocked ours is put in place instead. */
bool signals_before_sending(int sig);
