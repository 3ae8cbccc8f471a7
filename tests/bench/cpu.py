# SPDX-License-Identifier: MIT
"""CPU time of a server, in ns: of its process, its threads (ended ones too), its children.

The kernel's CPU clock of a process counts what the scheduler charged all its threads, ended
ones included, to the nanosecond (/proc/PID/schedstat has the first thread alone). Children
that ended are in no clock: the server that forks tells of them itself.
"""
import time

CPUCLOCK_SCHED = 2  # <linux/posix-timers.h>


def of_process(pid):
    """The time that a process has taken, 0 if it is gone."""
    try:
        return int(time.clock_gettime_ns((~pid << 3) | CPUCLOCK_SCHED))
    except OSError:
        return 0


def children(pid):
    """The children of all threads of a process."""
    found = []
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            found = [int(child) for child in f.read().split()]
    except FileNotFoundError:
        pass
    return found


def tree(pid):
    """A process and its descendants."""
    pids = [pid]
    for child in children(pid):
        pids += tree(child)
    return pids


def of_tree(pid):
    return sum(of_process(one) for one in tree(pid))
