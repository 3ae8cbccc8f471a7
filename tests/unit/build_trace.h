/* SPDX-License-Identifier: MIT */
/* Makes small traces in memory, for tests of what reads them. */
#pragma once

#include "trace/view.h"

#define BUILT_NOW   200000000000ull /* ns: when a built process ended */
#define BUILT_START 75000000000ull

struct built_trace {
	uint8_t *bytes; /* owned */
	size_t size;
	uint32_t next; /* extent */
	uint32_t current[CW_EXTENT_KINDS];
	uint32_t process; /* extent of the process that new records belong to */
};

/* An empty trace with room for `extents` extents. */
struct built_trace build_trace(uint32_t extents);
void built_trace_free(struct built_trace *trace);
struct trace_view built_view(const struct built_trace *trace);

/* Each makes a record, zeroed but for what makes it valid, and returns it; its reference
 * is built_ref(). New records belong to the newest process. */
struct cw_process *build_process(struct built_trace *trace);
struct cw_socket *build_socket(struct built_trace *trace);
/* What lies beside it; made once. */
struct cw_aside *build_aside(struct built_trace *trace, struct cw_socket *socket);
struct cw_look *build_look(struct built_trace *trace, struct cw_socket *socket);
struct cw_stats *build_stats(struct built_trace *trace, cw_ref open_site);
cw_ref build_string(struct built_trace *trace, const char *text);
cw_ref build_module(struct built_trace *trace, const char *path);
/* Frames at the given offsets of one module. */
cw_ref build_site(struct built_trace *trace, cw_ref module, const uint64_t *offsets,
		  uint16_t count);
/* A Python function, and a site that has it at each of some lines before the native frames. */
cw_ref build_code(struct built_trace *trace, const char *file, const char *function);
cw_ref build_python_site(struct built_trace *trace, cw_ref code, const uint64_t *lines,
			 uint16_t count, cw_ref native);
cw_ref built_ref(const struct built_trace *trace, const void *record);

/* An accepted TCP socket that got 14 bytes, opened 120 s before the end. */
struct cw_socket *build_accepted(struct built_trace *trace, cw_ref open_site);
/* The kernel's word on it: the state, and the peer's FIN `fin_ms` before. */
struct cw_look *build_tcp_look(struct built_trace *trace, struct cw_socket *socket,
			       uint32_t state, uint32_t fin_ms);
