/* SPDX-License-Identifier: MIT */
/*
 * The frame that the kernel makes for a signal handler, where no call frame information tells of
 * it: on aarch64 the kernel's code that handlers return to has none, on x86_64 that of libraries
 * other than glibc. It is known by its instructions.
 *
 * In any context.
 */
#pragma once

#include "frame.h"

/* Does a handler return to `pc`? */
bool signal_frame_at(const struct module *m, uintptr_t pc);

/* Where the registers of the interrupted code are, if `sp` is the stack pointer there. Returns where
 * its program counter is. */
uintptr_t signal_frame_places(struct frame_place places[CFI_REGISTERS], uintptr_t sp);
