/* SPDX-License-Identifier: MIT */
/* The judgement of the ELF file that a command comes to, and of the library beside it. */
#pragma once

#include "traceable.h"

/* Sets program, kind and asan, and adds findings. `path` can be executed and read, and
 * begins as an ELF file does. */
void traceable_look_at_program(struct traceable_report *report, const char *path);

/* Sets library, and adds findings. */
void traceable_look_at_library(struct traceable_report *report);
