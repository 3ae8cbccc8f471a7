/* SPDX-License-Identifier: MIT */
/*
 * Formatting without stdio: words, numbers and the units of the report, into a sink.
 *
 * Nothing here allocates, locks, makes a system call or keeps state: callable from a signal
 * handler and in a dying process, on a small stack.
 */
#pragma once

#include "report.h"

/* A sink on a fixed buffer, for text whose width must be known. What does not fit is
 * dropped and remembered in `cut`. Always NUL-terminated; size is of the whole buffer and
 * at least 1. */
struct text_buffer {
	char *bytes;
	size_t size;
	size_t used;
	bool cut;
};

void text_buffer_init(struct text_buffer *buffer, char *bytes, size_t size);
struct text_sink text_buffer_sink(struct text_buffer *buffer);

void text_put(const struct text_sink *sink, const char *string);
void text_bytes(const struct text_sink *sink, const char *bytes, size_t size);
/* A string from outside (argv, a path, a thread's name), at most `max` bytes of it and up
 * to its NUL: each byte of a control character, of a mark of direction and of what is no
 * UTF-8 becomes '?', so that it can neither drive a terminal nor hide what it says. */
void text_foreign(const struct text_sink *sink, const char *string, size_t max);
void text_spaces(const struct text_sink *sink, size_t count);
/* `string` and spaces up to `width`; a longer one is followed by none. */
void text_padded(const struct text_sink *sink, const char *string, size_t width);

void text_unsigned(const struct text_sink *sink, uint64_t value);
/* Right-aligned in `width`. */
void text_unsigned_wide(const struct text_sink *sink, uint64_t value, size_t width);
void text_signed(const struct text_sink *sink, int64_t value);
/* Without 0x, at least `digits` digits. */
void text_hex(const struct text_sink *sink, uint64_t value, int digits);
/* "3 sockets", "1 socket": the plural takes an s. */
void text_count(const struct text_sink *sink, uint64_t count, const char *noun);
/* 37 us, 0.2 ms, 150 ms, 4.1s, 12s, 1m58s, 4h31m, 3d04h. Cut, not rounded: a report never
 * says longer than it was. */
void text_duration(const struct text_sink *sink, uint64_t ns);
/* 14 B, 1.4 KiB, 3.2 MiB, … */
void text_size(const struct text_sink *sink, uint64_t bytes);

/* 10.0.0.5:8080, [fe80::1%2]:80; "?" for another family. `ip` is 16 bytes, IPv4 in the
 * first four. */
void text_ip(const struct text_sink *sink, unsigned family, const uint8_t *ip,
	     unsigned port, uint32_t scope);
/* The same from a look; unix:/path and unix:@name for AF_UNIX. */
void text_address(const struct text_sink *sink, const struct trace_view *view,
		  const struct cw_addr *address);

/* "CLOSE_WAIT", by <netinet/tcp.h>; "?" if it is none. */
const char *text_tcp_state(uint32_t state);

/* "SIGTERM", "signal 70". */
void text_signal(const struct text_sink *sink, int number);
/* "ECONNRESET", "error 512". */
void text_errno(const struct text_sink *sink, int number);

/* What follows the last slash. */
const char *text_base_name(const char *path);
