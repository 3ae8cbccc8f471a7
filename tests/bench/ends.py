# SPDX-License-Identifier: MIT
"""What start-up and exit cost a whole program."""
import os
import resource
import statistics
import subprocess
import tempfile

import against as under
from places import program

LEAKED = 100000
# As many numbers as the machine lets a process have; the time is proportional to them.
ROOM = 500


def room():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(LEAKED, hard - ROOM)


def end_of(one):
    """Waits for a program; the seconds of CPU that it has taken."""
    _, status, usage = os.wait4(one.pid, 0)
    one.returncode = status
    return usage.ru_utime + usage.ru_stime


def exit_after(count, options, directory):
    """Seconds of CPU from the call of exit() to the end of the process, the report written."""
    environment = under.TRACED.environment(directory)
    environment["CLOSEWAIT_OPTIONS"] = "dir=%s:keep=never:grace=0:%s" % (directory, options)
    with open(os.path.join(directory, "report"), "wb") as report:
        one = subprocess.Popen([program("leaks"), str(count)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=report, env=environment)
        begun = int(one.stdout.readline())
        ended = end_of(one)
    with open(os.path.join(directory, "report"), errors="replace") as report:
        text = report.read()
    if options == "report=stderr" and "LEAK" not in text:
        raise RuntimeError("no report of the leaked sockets: %s" % text[:1000])
    return ended - begun / 1e9


def measure_exit(pairs):
    count = room()
    with tempfile.TemporaryDirectory(prefix="closewait-bench-") as directory:
        took = [exit_after(count, "report=stderr", directory) for _ in range(pairs)]
    measured = statistics.median(took)
    return {"measured_sockets": count, "measured_seconds": measured,
            "seconds": measured * LEAKED / count}


def cpu_of(argv, environment):
    """ms of CPU of a whole program."""
    one = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, env=environment)
    return end_of(one) * 1e3


def measure_start(pairs):
    """/bin/true, which opens no socket."""
    with tempfile.TemporaryDirectory(prefix="closewait-bench-") as directory:
        native, traced = [], []
        for _ in range(pairs * 20):
            native.append(cpu_of(["/bin/true"], under.NATIVE.environment(directory)))
            traced.append(cpu_of(["/bin/true"], under.TRACED.environment(directory)))
    return {"native_ms": statistics.median(native), "ms": statistics.median(traced),
            "ms_more": statistics.median(t - n for t, n in zip(traced, native))}
