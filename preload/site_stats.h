/* SPDX-License-Identifier: MIT */
/* What became of the sockets that were opened at one site: the counters that outlive the
 * records. Lock-free; safe in signal handlers. */
#pragma once

#include "books.h"

/* The counters of `open_site` in these books, made if need be. 0: no room (counted), or
 * no site. */
cw_ref site_stats(struct books *b, cw_ref open_site, enum cw_origin origin);

struct site_close {
	cw_ref close_site;
	bool eof_seen;
	bool slow;
	bool late;
	bool collected; /* by Python, a connection that nobody closed */
	bool peer_left; /* EOF or a reset was learned, or the kernel said so */
	uint64_t now;   /* ns */
	uint64_t
		dwell; /* ns between peer FIN and close; UINT64_MAX: no FIN was known of */
};

void site_stats_opened(cw_ref stats);
/* That was the record of a socket that has one. */
void site_stats_never_opened(cw_ref stats);
void site_stats_closed(cw_ref stats, const struct site_close *c);
/* Whether close_site closed a socket of this site in time, at `before` (ns) or earlier. */
bool site_stats_in_time(cw_ref stats, cw_ref close_site, uint64_t before);
void site_stats_gone(cw_ref stats);
void site_stats_spin(cw_ref stats, cw_ref eof_site);
