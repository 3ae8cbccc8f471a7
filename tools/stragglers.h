/* SPDX-License-Identifier: MIT */
/* Traced processes that outlive the command which started them. */
#pragma once

#include <stdint.h>

/* Waits until no process in the session's traces lives, but not longer than `ns`: workers whose
 * master has ended are about to. Returns how many still live. */
unsigned stragglers_wait(const char *session, uint64_t ns);
