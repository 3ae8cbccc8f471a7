/* SPDX-License-Identifier: MIT */
/*
 * libunwind in its generic mode, with accessors of our own.
 *
 * Never its local mode: that keeps a pipe open, takes the loader's lock and allocates in
 * a server that did not ask for it. Here every load is checked against this thread's
 * stack and the known modules, and the tables are found in our own module table.
 * libunwind is opened at the first capture, or before the program has a second thread, with
 * RTLD_LOCAL, so that its _Unwind_* symbols never bind to the program's exceptions.
 *
 * All functions are for the holder of the sites' lock, with all signals blocked.
 */
#pragma once

#include <stdbool.h>

#include "stack.h"

/* Fills `stack`. False: libunwind is not to be had (a notice says why). Preserves errno. */
bool unwind_stack(struct stack *stack, struct known_log *log);

/* The stack of a thread that a signal interrupted, by the handler's ucontext_t. Without libunwind,
 * which is not opened here, it is the one instruction. False: not even that is known. */
bool unwind_interrupted(struct stack *stack, struct known_log *log, const void *context);

/* Its stack pointer. */
uintptr_t unwind_interrupted_sp(const void *context);

/* Opens libunwind, if that was not tried yet. The loader's lock is held while a library's
 * constructors run, and they may wait for a thread of theirs, whose first socket would wait for
 * the lock: so it is opened while there is one thread, which cannot wait for itself. */
void unwind_open(void);

/* Never again in this process: its inner state may be torn. */
void unwind_give_up(void);

/* In a fork child whose parent had threads: one of them may have held the loader's lock,
 * for ever as seen from here, so libunwind is not opened any more if it is not open yet. */
void unwind_fork_child_of_threads(void);

/* True in a thread that is inside libunwind's start-up, whose pipe must not come to be. */
bool unwind_starting(void);
