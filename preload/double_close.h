/* SPDX-License-Identifier: MIT */
/*
 * Closing what was closed before: a fault, unless it is one step of a sweep.
 *
 * A daemon that closes every number from 3 to its limit is in its right; one close of a number
 * that a socket had, and nothing opened since, is not.
 */
#pragma once

#include "books.h"

/* close(fd) said EBADF, and no socket was known there. */
void double_close_note(struct books *b, int fd);

/* This thread is about to close fd: if it takes up where a counted one left off, that one was a
 * step of a sweep, and is counted no more. */
void double_close_swept(struct books *b, int fd);
