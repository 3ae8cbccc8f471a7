# SPDX-License-Identifier: MIT
# Counts the signals that it gets, and prints the counts when it is asked to end (a line on
# standard input). Usage: counts_signals.py
import os
import signal
import sys

counts = {}


def count(number, frame):
    counts[number] = counts.get(number, 0) + 1
    os.write(1, b"got %d\n" % number)


for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1,
               signal.SIGUSR2, signal.SIGWINCH):
    signal.signal(number, count)
os.write(1, b"ready %d\n" % os.getpid())
sys.stdin.readline()
for number in sorted(counts):
    os.write(1, b"%d: %d\n" % (number, counts[number]))
sys.exit(7)
