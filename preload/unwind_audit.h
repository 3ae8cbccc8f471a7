/* SPDX-License-Identifier: MIT */
/*
 * The auditor of our unwinder: with unwind=audit each stack is unwound a second time by libunwind, in
 * its generic mode with accessors of our own, and the two are compared.
 *
 * It is opened then alone, at start-up, with RTLD_LOCAL, so that its _Unwind_* symbols never bind to
 * the program's exceptions. Never its local mode: that would keep a pipe open, take the loader's
 * lock and allocate in a server that did not ask for it.
 *
 * All functions but the first are for the holder of the sites' lock, with all signals blocked.
 */
#pragma once

#include "registers.h"
#include "stack.h"

/* For the library's start-up: opens libunwind if the option asks for it. What is missing, a notice
 * says. */
void unwind_audit_open(void);

/* Sets `ours->audit`. The registers are those that it was unwound from. */
void unwind_audit(const struct registers *registers, struct stack *ours);

/* Never again in this process: libunwind's inner state may be torn. */
void unwind_audit_give_up(void);
