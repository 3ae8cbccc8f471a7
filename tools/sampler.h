/* SPDX-License-Identifier: MIT */
/*
 * Asks the kernel, once a period, which sockets are in CLOSE_WAIT, and keeps that in the session:
 * what a process that is killed takes with it.
 *
 * The table is asked by sock_diag in every network namespace that a process of the session lives
 * in; the processes themselves are not touched.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct sampler;

/* `session` is its directory, the caller's. NULL: the file could not be made, after one line on
 * standard error. */
struct sampler *sampler_open(const char *session, uint64_t period);
/* The process, a child of the caller's, when the end of which will be known: by a look that it may
 * not have lived through nothing of its own was closed. */
void sampler_judge_by(struct sampler *sampler, pid_t child);
/* A process that is to be looked at, where no list of the session names it. */
void sampler_watch(struct sampler *sampler, pid_t pid, uint64_t start);
/* Looks once. An error ends the sampling, after one line on standard error. */
void sampler_look(struct sampler *sampler);
void sampler_close(struct sampler *sampler);
