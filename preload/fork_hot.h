/* SPDX-License-Identifier: MIT */
/*
 * What is written around each fork, in the parent and in the child: it lies in one page with the
 * library's initialised data, which is written at a process's exit anyway. A page of its own would
 * have to be copied for each child, and after each fork.
 */
#pragma once

#define FORK_HOT __attribute__((section(".data.fork_hot")))
