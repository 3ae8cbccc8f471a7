/* SPDX-License-Identifier: MIT */
/* Whether an address can be a return address. In any context. */
#pragma once

#include "modules.h"

/* Is there a call right before `pc`, in this module's code? */
bool after_call(const struct module *m, uintptr_t pc);
