/* SPDX-License-Identifier: MIT */
/* How large the trace is made: by what the process can have open. */
#pragma once

#include <stddef.h>

/* Bytes, whole extents, CW_TRACE_SIZE_DEFAULT to CW_TRACE_SIZE_MAX; the file size limit is not
 * regarded. A few system calls; for when the trace is made. */
size_t trace_size_wanted(void);
