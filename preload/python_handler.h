/* SPDX-License-Identifier: MIT */
/*
 * Which code an event loop of asyncio's hands an accepted connection to.
 *
 * At accept the stack is the loop's own: it is the same whichever server the connection is for.
 * The frame of BaseSelectorEventLoop._accept_connection has the server's protocol_factory, and that
 * leads to the program's function or class: through the closure of start_server's own factory,
 * bound methods, functools.partial. What is none of these is not guessed at.
 *
 * Other threads may run meanwhile, but the frame keeps the factory alive, and what it leads to
 * is never changed by asyncio.
 */
#pragma once

#include "python_walk.h"

/* How many frames lie between the call and asyncio's at most, itself included. */
#define PYTHON_HANDLER_DEPTH 3u

/* Adds to a hash what tells the frame's handler from another's; the same hash for a frame that
 * is not known to be asyncio's. Plain loads, no lock. */
uint64_t python_handler_add(uint64_t hash, const struct python_frame *frame);

/* The handler's code, as a frame that has not begun. False: it is no frame of asyncio's accept, or
 * what it leads to is not known. Every load beyond the frame and its code is checked. For the holder
 * of the sites' lock; to be called before python_handler_add() of a frame that may not have been seen
 * before. */
bool python_handler_find(const struct python_frame *frame, struct python_frame *handler);

/* What was learnt was of another interpreter. For the holder of the sites' lock. */
void python_handler_forget(void);
