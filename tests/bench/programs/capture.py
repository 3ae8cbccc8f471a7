# SPDX-License-Identifier: MIT
"""Accepts and closes sockets that need no kernel, under DEPTH Python frames: for each line that
comes, TURNS of them, and prints the ns of CPU time that one took.

Usage: capture.py DEPTH TURNS, with the library of stubs preloaded behind libclosewait's
"""
from __future__ import print_function
import ctypes
import os
import socket
import sys
import time

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
    turns(count)
    for _ in iter(sys.stdin.readline, ""):
        turns(count // 10)  # what ran meanwhile had the caches
        begun = clock()
        turns(count)
        print("%.1f" % ((clock() - begun) / count * 1e9))
        sys.stdout.flush()


def down(depth, count):
    if depth:
        down(depth - 1, count)
    else:
        measured(count)


# turns, measured, the last down and the module are four of them.
down(int(sys.argv[1]) - 4, int(sys.argv[2]))
