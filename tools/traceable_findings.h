/* SPDX-License-Identifier: MIT */
/* How the parts of traceable add to a report. */
#pragma once

#include "traceable.h"

/* A finding more; the verdict becomes at least as grave. */
void traceable_add(struct traceable_report *report, enum traceable weight,
		   const char *format, ...) __attribute__((format(printf, 3, 4)));
