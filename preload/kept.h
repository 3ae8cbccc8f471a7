/* SPDX-License-Identifier: MIT */
/* Keeps the directory of sessions from growing: oldest first out, those that still run
 * excepted. */
#pragma once

/* At most this much stays on disk (or in memory: /dev/shm) in one directory. A trace of a
 * small server takes 200 KiB. */
#define KEPT_BYTES (256ull << 20)

/* Called when a new trace was made in `base`. Never removes what belongs to a living
 * process. */
void kept_prune(const char *base);
