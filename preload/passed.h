/* SPDX-License-Identifier: MIT */
/*
 * The sockets that this process has passed on, the last CW_PASSED_PER_EXTENT of them: what is known
 * of their beginning outlives the record, which goes with the descriptor. Lock-free.
 */
#pragma once

#include "books.h"

/* The caller has `s` pinned. One without a cookie could not be found again and is left out. */
void passed_add(struct books *b, const struct cw_socket *s, cw_ref site, uint64_t now);
