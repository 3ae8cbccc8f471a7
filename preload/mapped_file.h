/* SPDX-License-Identifier: MIT */
/* Which file is mapped at an address of this process. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Its path as /proc/self/maps has it, cut to `room` bytes with the NUL; "": none, or it cannot be
 * read. A newline in it is written \012 there. No allocation; a descriptor is open meanwhile. */
void mapped_file(uintptr_t at, char *to, size_t room);
