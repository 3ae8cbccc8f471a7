/* SPDX-License-Identifier: MIT */
/* What tells a Python frame from another: a hash of what its name and line come from. */
#pragma once

#include "python_walk.h"

#define PYTHON_KEY_SEED 0x9e3779b97f4a7c15ull

/* Adds a frame to the hash of those before it. Plain loads. */
uint64_t python_key_add(uint64_t hash, const struct python_frame *frame);
