/* SPDX-License-Identifier: MIT */
/* The last few lifecycle events of this process, newest over oldest. Lock-free. */
#pragma once

#include "books.h"

void event_add(struct books *b, enum cw_event_kind kind, uint64_t ns, int fd,
	       uint64_t entry, cw_ref site);

/* Was fd closed by a hook, with nothing opened on the number since, as far back as the ring
 * goes? *site is then where. */
bool event_last_was_close(struct books *b, int fd, cw_ref *site);
