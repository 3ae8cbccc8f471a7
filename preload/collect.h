/* SPDX-License-Identifier: MIT */
/*
 * Gives back what processes left in the trace that are no more.
 *
 * What ended with nothing to tell goes whenever a few have. Where an extent cannot be had,
 * those go that were killed and hold nothing that could be a finding, and last of all the
 * oldest of the others: that is counted, in the books of the image's first process.
 *
 * A process is only taken for dead if the kernel says so of its pid and start time, in the
 * pid namespace that it had. Its sites stay as long as anything is kept of a process that it
 * forked. Any thread of any process may collect, in a signal handler too, one at a time
 * (collector.h): it swaps the state of a process's record for CW_PROCESS_NONE and then gives back
 * its extents. The record itself goes last, so what one was killed over the next one finishes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "trace/format.h"

/* Before a fork. */
void collect_before_fork(void);

/* True: something was given back. Tries seldom where it was in vain. */
bool collect_for_room(void);

/* Those that were killed and hold nothing that could be a finding, now: for the end of the image's
 * first process, on a stack of our own. */
void collect_killed(void);

/* Whether the image's first process needs its share of the extents no more. */
bool collect_first_has_ended(void);

/* Gives back the books that a fork was prepared with, if nobody has opened or collected
 * them. */
void collect_unborn(uint32_t extent);

/* Counts a process that is not traced, or not any more, for want of room. */
void collect_count_loss(void);
