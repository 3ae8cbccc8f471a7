/* SPDX-License-Identifier: MIT */
/*
 * Findings as GitHub shows them beside the code: workflow commands, and a table in the summary
 * of the step.
 *
 * GitHub shows ten of each kind of annotation in a step; what would be beyond is told in one
 * more line.
 */
#pragma once

#include <stdio.h>

#include "gate.h"

#define ANNOTATIONS_MAX 10u

/* Puts the commands of what the gate minds (errors; warnings if it lets them pass) and of what
 * was known before (warnings), largest first, and appends to the file that $GITHUB_STEP_SUMMARY
 * names. Returns 0, or -1 after one line on standard error. */
int annotate_github(struct findings *findings, const struct gate *gate,
		    const struct symbolizer *symbolizer, FILE *out);
