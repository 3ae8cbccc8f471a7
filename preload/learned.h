/* SPDX-License-Identifier: MIT */
/*
 * What a fork child has learned of a stack, for the children that are forked after it: where a
 * child serves one connection, each would unwind the same stacks anew.
 *
 * It leaves it in the room behind its parent's process record, which stays as long as its own
 * names it as parent. The parent takes it over as it forks the next: into its own site and its own
 * known stacks, of which that child has a copy. It does so only if its libraries are the child's.
 *
 * For the holder of the sites' lock. No system call, but for a child that is just leaving something
 * as its parent forks, or was killed over it: whether it lives.
 */
#pragma once

#include "books.h"
#include "stack.h"

/* In a child: the stack whose site is new here. Nothing where there is no room for it. */
void learned_tell(struct books *b, const struct stack *stack,
		  const struct known_log *log);

/* In its parent: the next that children have left, as if it had been unwound here on this thread's
 * stack, and the name of the thread that did. False: there is none. `next` is 0 at first. */
bool learned_next(struct books *b, unsigned *next, struct stack *stack,
		  struct known_log *log, char thread[16]);
