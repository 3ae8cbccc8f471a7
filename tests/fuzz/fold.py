#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Folds the zeros of traces, as tests/fuzz/trace.c unfolds them.

Usage: fold.py TO_DIRECTORY TRACE...   Each is cut behind its last extent in use.
"""
import os
import re
import sys

ESCAPE = b"\xa7"
EXTENT = 16384
MOST = 64 * EXTENT  # as much as trace.c unfolds


def folded(trace):
    trace = trace.rstrip(b"\0")
    trace = trace.ljust(-(-len(trace) // EXTENT) * EXTENT, b"\0")[:MOST]

    def fold(run):
        if run.group() == ESCAPE:
            return ESCAPE + b"\xff\xff"
        return ESCAPE + (len(run.group()) - 1).to_bytes(2, "little")
    return re.sub(rb"\xa7|\0{5,65000}", fold, trace)


def main(to, *paths):
    for n, path in enumerate(paths):
        with open(path, "rb") as f:
            data = folded(f.read())
        with open(os.path.join(to, "%s-%d" % (os.path.basename(path).split(".")[0], n)),
                  "wb") as f:
            f.write(data)


main(*sys.argv[1:])
