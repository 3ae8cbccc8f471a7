/* SPDX-License-Identifier: MIT */
/*
 * A checked view of a trace: every record it hands out lies whole inside an extent of its
 * kind.
 *
 * A view owns nothing: the bytes belong to whoever mapped or read them (the traced
 * process: its own live mapping; the command: a private copy of the file). No function
 * here allocates, locks or makes a system call, so all of them may be called in a dying
 * process, from a signal handler and in a fork child. Other threads may still be writing
 * to a live mapping: values are copied before they are checked, and a record that changes
 * meanwhile gives stale values, never a fault.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format.h"

struct trace_view {
	const uint8_t *bytes;
	size_t size;           /* bytes that may be read */
	uint32_t extent_count; /* clipped to what `size` holds whole */
	const struct cw_header *header;
	/* Kernel state that is newer than the trace's own (the command asks for a live
	 * process); NULL: take the socket's recorded look. Returns NULL if it knows
	 * nothing of the socket. */
	const struct cw_look *(*look)(void *context, const struct cw_socket *socket);
	void *look_context;
	/* What was seen of a socket while its process lived, for one that its process was not
	 * asked of; NULL: nobody looked. */
	const struct cw_look *(*sample)(void *context, const struct cw_socket *socket);
	void *sample_context;
	uint64_t sampled; /* ns: the last of these looks, 0: there was none */
	uint64_t
		watched; /* ns: before this a TCP socket that came to CLOSE_WAIT was seen there by
			     the look after it, if it stayed; 0: looks have missed some */
};

/* Opens a view on `size` bytes, aligned to 8. Returns 0, or -errno: -ENODATA empty or cut
 * before the end of its header, -EBADMSG not a trace, -EPROTONOSUPPORT another version or
 * byte order. A file shorter than its header says is accepted: what is whole in it is
 * shown; trace_view_truncated() tells. */
int trace_view_open(struct trace_view *view, const void *bytes, size_t size);
int trace_view_truncated(const struct trace_view *view);

/* The kind of extent `index`, CW_EXTENT_FREE if out of range; its owner's process extent. */
enum cw_extent_kind trace_extent(const struct trace_view *view, uint32_t index,
				 uint32_t *owner);
/* The start of extent `index` (in range), and how many bytes of it are in use. */
const void *trace_extent_bytes(const struct trace_view *view, uint32_t index);
uint32_t trace_extent_used(const struct trace_view *view, uint32_t index);

/* Each returns NULL if the reference does not name a whole record of that kind. */
const struct cw_process *trace_process(const struct trace_view *view, uint32_t extent);
/* Are they one process, perhaps as two programs? exec changes neither pid nor start; what was written
 * down at a fork may be the tick before the start that the next program has read. */
static inline bool trace_same_pid(const struct cw_process *a, const struct cw_process *b)
{
	return a->pid == b->pid && (cw_started_then(a->pid_start, b->pid_start) ||
				    cw_started_then(b->pid_start, a->pid_start));
}
const struct cw_socket *trace_socket(const struct trace_view *view, cw_ref ref);
/* Copies a record that other threads may be writing. Returns false if it is not in use, or
 * was given to another socket while we read it. */
bool trace_socket_copy(const struct trace_view *view, cw_ref ref, struct cw_socket *copy);
/* Copies what lies beside a record that was copied: all 0 if there is nothing, or it is another
 * socket's by now. */
void trace_aside_copy(const struct trace_view *view, const struct cw_socket *socket,
		      struct cw_aside *copy);
const struct cw_stats *trace_stats(const struct trace_view *view, cw_ref ref);
const struct cw_look *trace_look(const struct trace_view *view, cw_ref ref);
const struct cw_module *trace_module(const struct trace_view *view, cw_ref ref);
const struct cw_code *trace_code(const struct trace_view *view, cw_ref ref);
/* *count is the number of frames that may be read: never more than the record holds. */
const struct cw_site *trace_site(const struct trace_view *view, cw_ref ref,
				 uint32_t *count);
/* The look to judge a socket by: the view's own newer one, else the recorded one, else what was
 * seen of it earlier, else NULL. */
const struct cw_look *trace_socket_look(const struct trace_view *view,
					const struct cw_socket *socket);
/* The reference of the n-th record of `record_size` bytes in extent `index`. */
static inline cw_ref trace_record_ref(uint32_t index, uint32_t n, size_t record_size)
{
	return (cw_ref)((index * (size_t)CW_EXTENT_SIZE + n * record_size) / 8);
}

/* A string of *size bytes, shorter than PATH_MAX. NULL and 0 if the reference is wrong. In a
 * live mapping its bytes, and the NUL behind them, may still change: another process of the
 * trace may be broken. */
const char *trace_bytes(const struct trace_view *view, cw_ref ref, size_t *size);
/* The same as a NUL-terminated string, "" if the reference is wrong: for who reads a copy,
 * or stops at PATH_MAX. */
const char *trace_string(const struct trace_view *view, cw_ref ref);
