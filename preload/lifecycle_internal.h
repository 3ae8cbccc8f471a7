/* SPDX-License-Identifier: MIT */
/* Shared by the lifecycle's parts. */
#pragma once

#include "lifecycle.h"

/* Makes a record for a socket that was open before we saw it; its entry, 0 if it is no
 * socket. */
uint64_t lifecycle_adopt(struct books *b, int fd);

/* The pinned record, if fd still has the entry it had before the real call; else NULL. */
struct cw_socket *lifecycle_still(struct books *b, int fd, uint64_t entry);

/* One reference less, nothing counted unless it was the last (then: gone out of sight). */
void lifecycle_drop(struct books *b, uint64_t entry);
