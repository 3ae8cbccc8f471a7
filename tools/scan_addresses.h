/* SPDX-License-Identifier: MIT */
/* With whom a process's sockets are connected: their addresses, grouped. */
#pragma once

#include "scan.h"
#include "trace/report.h"

struct address_group {
	struct cw_addr address; /* port 0: various */
	uint64_t count;         /* sockets */
	uint64_t unread;        /* bytes */
};

enum address_side {
	ADDRESS_LOCAL,
	ADDRESS_PEER,
};

/* The greatest group first. By address alone, or by address and port. Returns how many;
 * *groups is the caller's to free (NULL: none, or no memory). */
size_t scan_addresses(const struct scan_process *process, enum address_side side,
		      bool by_port, struct address_group **groups);

/* "10.0.3.17", "10.0.3.17:80", "[::1]:80", "::1". */
void scan_address_put(const struct text_sink *sink, const struct cw_addr *address);
