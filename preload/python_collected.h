/* SPDX-License-Identifier: MIT */
/*
 * Tells the close of a Python socket that was collected from one that the program asked for.
 *
 * A socket object that goes away open is closed by the finalizer of its type, `_socket.socket`
 * (CPython: sock_finalize() of Modules/socketmodule.c), whatever let go of it: the collector, or
 * the last frame that knew it. Nothing else closes in there: close() and os.close() have functions
 * of their own, and a library that closes in C does it in its own code. That finalizer is known by
 * where its type names it, so no symbols are needed; and the function that a frame is in by the
 * unwind table.
 *
 * asyncio's transport closes its socket from its own `__del__`, with a warning; that counts too.
 *
 * To 2.7 close() itself only lets go of the socket inside, and what else knows that one keeps it
 * open: there no close is told to be a collection.
 *
 * For the holder of the sites' lock.
 */
#pragma once

#include "books.h"
#include "stack.h"

/* Does the finalizer of Python's sockets call the hook? */
bool python_finalizer_calls(const struct stack *stack);

/* Of a site that begins with `count` Python frames: CW_SITE_COLLECTED stays or is set if nothing in
 * them closes; `close`, `__exit__` and their like above a finalizer mean that the program let go
 * of the socket on purpose. */
void python_judge_close(struct cw_site *site, uint32_t count);
