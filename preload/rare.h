/* SPDX-License-Identifier: MIT */
/* For what few calls come to: a function of its own, apart from the others. Inlined, it would have
 * its caller save the registers that it alone needs, at every call. */
#pragma once

#define RARE __attribute__((noinline, cold))

/* The same of what is as fast as it can be when it comes to it. */
#define APART __attribute__((noinline))

/* What every connection and every child of a fork runs: it lies together, in a few pages of the
 * library, of which a child has to find each anew. */
#define HOT __attribute__((hot))
