/* SPDX-License-Identifier: MIT */
/*
 * Fewer mappings of a library that we have opened. Each one is copied by every fork and taken down
 * at every child's end, and costs 2 us there; a library has five, of which three are read only.
 */
#pragma once

/* Of the library of that name, if it is there: the kernel sees what is never written as one
 * mapping, readable and executable. Nothing becomes writable, and what is to be read only after
 * relocation stays it. Where that is refused all is as it was. Takes the loader's lock, and keeps the
 * library. */
void few_mappings(const char *name);
