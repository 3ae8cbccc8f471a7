/* SPDX-License-Identifier: MIT */
/*
 * Runs a function on a stack of our own. What the program's thread has left may be little: a
 * handler's alternate stack of 8 KiB, a coroutine's of 16.
 *
 * For callers that have blocked all signals: a handler that is to run on an alternate stack
 * would be put at the start of it even where the interrupted one is still in use.
 */
#pragma once

/* Maps a stack for this one call, for the report. Without memory `f` runs where it is. */
void on_own_stack(void (*f)(void *argument), void *argument);

/* On one that stays mapped, for the captures: for the holder of the sites' lock. Not from a
 * function that runs there. */
void on_capture_stack(void (*f)(void *argument), void *argument);
