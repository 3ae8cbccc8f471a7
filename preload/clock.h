/* SPDX-License-Identifier: MIT */
/* Time in nanoseconds, through the vDSO: no system call where the machine has one. */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_of(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t clock_ns(void)
{
	return clock_of(CLOCK_MONOTONIC);
}

static inline uint64_t clock_real_ns(void)
{
	return clock_of(CLOCK_REALTIME);
}
