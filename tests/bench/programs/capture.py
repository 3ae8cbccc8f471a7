# SPDX-License-Identifier: MIT
"""Accepts and closes sockets that need no kernel, under DEPTH Python frames, and prints how long
one turn took: the median of the batches, in ns of CPU time.

Usage: capture.py DEPTH COUNT, with the library of stubs preloaded behind libclosewait's
"""
from __future__ import print_function
import ctypes
import os
import socket
import sys
import time

BATCHES = 50
clock = time.process_time if hasattr(time, "process_time") else time.clock
stub = ctypes.CDLL(None)
listener = socket.socket()
stub.stub_begin(1000, 16, 16)


def turns(count):
    # The method within accept(), which makes no socket object; 2.7 has it elsewhere.
    accept = getattr(listener, "_accept", None) or listener._sock.accept
    for _ in range(count):
        connection, _ = accept()
        if isinstance(connection, int):
            os.close(connection)
        else:
            connection.close()


def measured(count):
    took = []
    for _ in range(BATCHES):
        begun = clock()
        turns(count // BATCHES)
        took.append((clock() - begun) / (count // BATCHES))
    return sorted(took)[BATCHES // 2] * 1e9


def down(depth, count):
    return down(depth - 1, count) if depth else measured(count)


# turns, measured, the last down and the module are four of them.
print("%.1f" % down(int(sys.argv[1]) - 4, int(sys.argv[2])))
