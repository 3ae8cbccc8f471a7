/* SPDX-License-Identifier: MIT */
/*
 * Closing what was closed before: a fault, unless it is one step of a sweep.
 *
 * A daemon that closes every number from 3 to its limit, or down from there, is in its right; one
 * close of a number that a socket had, and nothing opened since, is not. Of what else was opened
 * we hear at its close: close(), dup2() and close_range() tell. (A file that libc closes inside,
 * as closedir() does, stays unknown.)
 *
 * A filter of one bit a number says whether the last close there was a socket's, so that the close
 * of a file costs a look at it; the truth is in the events. All of it may run in signal handlers.
 */
#pragma once

#include "books.h"

/* close(fd) said EBADF, and no socket was known there. */
void double_close_note(struct books *b, int fd);

/* This thread is about to close fd. */
void double_close_step(struct books *b, int fd);

/* A socket's number was given back. */
void double_close_socket(struct books *b, int fd);

/* What was closed there was no socket that we know of. */
void double_close_other(struct books *b, int fd);
void double_close_others(struct books *b, unsigned first, unsigned last);
