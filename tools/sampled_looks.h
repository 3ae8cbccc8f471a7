/* SPDX-License-Identifier: MIT */
/* Judging the sockets of a session also by what was seen of them while its processes lived. */
#pragma once

#include "samples.h"
#include "trace/view.h"

/* What the samples of one session say, by socket. Refers to the samples. */
struct sampled_looks {
	const struct samples *samples;
	struct cw_look *
		looks; /* of the record with the same index: as of its last look; owned */
};

/* Returns 0, or -1: no memory. `samples` must outlive it. */
int sampled_looks_take(struct sampled_looks *looks, const struct samples *samples);
void sampled_looks_free(struct sampled_looks *looks);

/* The view's sockets that the kernel was not asked of by their process are judged by the samples;
 * what it was asked gets the earlier date of CLOSE_WAIT, where the samples have it. The view is
 * of a private copy, which is changed. */
void sampled_looks_attach(struct sampled_looks *looks, struct trace_view *view);
