/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says now of the sockets in a trace whose processes still live, and which
 * of the trace's descriptors still are what it says.
 *
 * The processes are not stopped, traced or entered.
 */
#pragma once

#include "trace/report.h"

struct live_looks;

/* Asks. NULL if no process of the trace lives, or after one line about `name` on standard
 * error if the kernel would not answer. */
struct live_looks *live_looks_take(const struct trace_view *view, const char *name);
void live_looks_free(struct live_looks *looks);

/* Makes the view hand them out. */
void live_looks_attach(struct live_looks *looks, struct trace_view *view);
