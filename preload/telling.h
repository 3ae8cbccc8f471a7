/* SPDX-License-Identifier: MIT */
/*
 * Whether there can be anything to report of a process, told without judging its sockets.
 *
 * For the end of a process that most probably left nothing: a walk over its extents instead of a
 * report that is then empty. Reads the trace alone; may run in a signal handler.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Could a report on the process in extent `index` say more than that nothing was found? With
 * `kernel_asked` it knows what the kernel says of each socket: the kernel may tell of a
 * connection of which no call has. */
bool process_tells(uint32_t index, bool kernel_asked);
