/* SPDX-License-Identifier: MIT */
/* The one way by which the library writes to a descriptor that the program or its user gave. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Writes all of it, at once where that does not block; waits two seconds at most for a reader.
 * No SIGPIPE or SIGXFSZ of ours reaches the program. False: not all was written. Any thread. */
bool quiet_write(int fd, const char *bytes, size_t size);
/* The same, for a line that is not worth waiting for. */
bool quiet_write_now(int fd, const char *bytes, size_t size);
