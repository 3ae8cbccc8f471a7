/* SPDX-License-Identifier: MIT */
/* Runs a function on a stack of our own: a fatal signal may come on an alternate stack of
 * 8 KiB, and the report must not depend on what the program has left. */
#pragma once

void on_own_stack(void (*f)(void *argument), void *argument);
