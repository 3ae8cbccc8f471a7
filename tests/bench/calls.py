# SPDX-License-Identifier: MIT
"""What the library adds to single calls, in ns, over sockets that need no kernel (stub.h).

Each figure is the median over pairs of runs, one under the library and one under the empty
interposer; Python's stacks are measured against the library without them.
"""
import json
import os
import resource
import statistics
import subprocess
import tempfile

import against as under
import instructions
from places import BUILD, COMMAND, HERE, program, pythons

THREADS = (1, 2, 8)
LIVE = (10, 1000, 100000, 1000000)
DEPTHS = (10, 30)
TURNS = 100     # of a Python in one batch: 2.7's clock tells whole microseconds
BATCHES = 100
ENOUGH = 5  # pairs, where opening a million takes the time
STUB = os.path.join(BUILD, "tests", "bench", "bench_stub.so")
# The library but for a table of offsets that can be spoilt: then it refuses the interpreter.
SPOILT = os.path.join(BUILD, "tests", "programs", "libclosewait_spoilt.so")
EMPTY = under.OTHERS[0]


def output(argv, environment):
    done = subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, timeout=300,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    if done.returncode:
        raise RuntimeError("%s: %s" % (" ".join(argv), done.stderr[-1000:]))
    return done.stdout.split()


def calls(against, case, depth, threads, live, count, directory):
    """ns of one call, the mean over the threads; and KiB in memory at the end."""
    *took, memory = output([program("calls"), case, str(count), str(depth), str(threads),
                            str(live)], against.environment(directory))
    return statistics.mean(float(ns) for ns in took), int(memory)


def pair_medians(pairs, one):
    """one(against) under the library and under the empty interposer: medians."""
    traced, empty, over = [], [], []
    for _ in range(pairs):
        traced.append(one(under.TRACED))
        empty.append(one(EMPTY))
        over.append(traced[-1] - empty[-1])
    return {"ns": statistics.median(traced), "empty": statistics.median(empty),
            "over_empty": statistics.median(over)}


def measure_calls(pairs):
    found = {}
    with tempfile.TemporaryDirectory(prefix="closewait-bench-") as directory:
        for case, depth in instructions.CASES:
            count = 1000000 if case in ("recv", "read-no-socket") else 50000
            found[instructions.name_of(case, depth)] = pair_medians(
                pairs, lambda a: calls(a, case, depth, 1, 0, count, directory)[0])
        for threads in THREADS[1:]:
            found["connection-10 in %d threads" % threads] = pair_medians(
                pairs, lambda a: calls(a, "connection", 10, threads, 0, 20000, directory)[0])
    return found


def raise_limit(files):
    """The trace's size follows what may be open. Where so many may not, some are not recorded."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, max(files, hard)))
    except (ValueError, PermissionError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(files, hard), hard))


def lost(live, directory):
    """How many of so many sockets the trace says it could not record."""
    environment = under.TRACED.environment(directory)
    environment["CLOSEWAIT_OPTIONS"] = "report=none:keep=always:dir=" + directory
    output([program("calls"), "recv-any", "100", "10", "1", str(live)], environment)
    report = os.path.join(directory, "report.json")
    output([COMMAND, "report", "--json", report, directory],
           under.NATIVE.environment(directory))
    with open(report) as f:
        return sum(json.load(f)["summary"]["lost"].values())


def measure_live(pairs):
    """A connection that comes and goes, and a read on any of them, while so many are open."""
    found = {"sockets": {}}
    pairs = min(pairs, ENOUGH)
    raise_limit(2 ** 20)
    with tempfile.TemporaryDirectory(prefix="closewait-bench-") as directory:
        for live in LIVE:
            figures = {}
            for case in ("connection", "recv-any"):
                figures[case] = pair_medians(
                    pairs, lambda a: calls(a, case, 10, 1, live, 20000, directory)[0])
            memory = {a.name: calls(a, "recv-any", 10, 1, live, 100, directory)[1]
                      for a in (under.TRACED, EMPTY)}
            figures["bytes_more"] = (memory["closewait"] - memory["empty"]) * 1024
            found["sockets"][str(live)] = figures
        found["lost"] = lost(LIVE[-1], directory)
    few, many = found["sockets"][str(LIVE[0])], found["sockets"][str(LIVE[-1])]
    found["time_ratio"] = many["connection"]["over_empty"] / few["connection"]["over_empty"]
    found["bytes_each"] = (many["bytes_more"] - few["bytes_more"]) / (LIVE[-1] - LIVE[0])
    return found


def interpreter_name(path):
    return "Debian's" if not path.startswith(os.path.expanduser("~")) else path.split("/")[-3]


class Captures:
    """A Python that captures its stack, so many turns at a time."""

    def __init__(self, library, python, depth, directory):
        environment = dict(os.environ, PYTHONHASHSEED="0",
                           LD_PRELOAD="%s:%s" % (library, STUB),
                           CLOSEWAIT_OPTIONS="report=none:keep=never:dir=" + directory)
        if library == SPOILT:
            environment["CLOSEWAIT_TEST_OFFSETS"] = "10+8"  # co_filename's
        self.process = subprocess.Popen(
            [python, "-B", os.path.join(HERE, "programs", "capture.py"), str(depth), str(TURNS)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8",
            preexec_fn=lambda: os.sched_setaffinity(0, [max(os.sched_getaffinity(0))]))

    def measure(self):
        """ns of one turn."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=300)


def python_half(python, depth, directory):
    """ns of one stack: the fastest batches, with Python's frames and without.

    The two processes take turns on one processor, some hundred microseconds each: a neighbour
    on the other half of the core, which can make the same instructions take nearly twice as long
    for seconds, then meets both alike. One recognised stack in a thousand is unwound all the same:
    the fastest batches are without.

    A turn takes two stacks, where the socket was accepted and where it is closed: callgrind
    counts two calls of python_walk_begin() for each, once the first is done.
    """
    kinds = [Captures(library, python, depth, directory)
             for library in (under.LIBRARY, SPOILT)]
    try:
        batches = [[one.measure() for one in kinds] for _ in range(BATCHES)]
    finally:
        for one in kinds:
            one.end()
    traced, without = (min(column) for column in zip(*batches))
    return (traced - without) / 2


def measure_python(pairs):
    """ns that the Python half of one recognised stack takes."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="closewait-bench-") as directory:
        for depth in DEPTHS:
            figures = {interpreter_name(python): statistics.median(
                python_half(python, depth, directory) for _ in range(pairs))
                for python in pythons()}
            found[str(depth)] = dict(figures, worst=max(figures.values()))
    return found
