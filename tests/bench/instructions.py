# SPDX-License-Identifier: MIT
"""Instructions that one call takes, counted by callgrind: the same on every run.

A program runs with N and with 2N repetitions; the difference, divided by N, is one. One
recognised stack in a thousand is unwound all the same: N is a thousand where each repetition has
its stacks, and where only the first and last have any so large that one unwind is nothing.

What they were when the library was last made cheaper is kept in instructions.json, with what
they depend on; `tests/bench/run --keep-instructions` writes it.
"""
import concurrent.futures
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile

import machine
from against import NATIVE, TRACED
from places import HERE, program

N = 1000
N_WITHOUT_STACKS = 20000
WITHOUT_STACKS = ("recv", "read-no-socket", "dup-close")
# The case of bench_calls, and the depth of its stacks.
CASES = [("recv", 10), ("read-no-socket", 10), ("accept-close", 10), ("accept-close", 30),
         ("accept-eof-close", 10), ("connection", 10), ("dup-close", 10)]
KEPT = os.path.join(HERE, "instructions.json")


def name_of(case, depth):
    return case if case in WITHOUT_STACKS else "%s-%d" % (case, depth)


def lacks():
    return None if shutil.which("valgrind") else "valgrind is not installed"


def conditions():
    """What the counts depend on."""
    return {"compiler": machine.compiler(), "build": machine.build_options(),
            "libc": " ".join(platform.libc_ver()), "machine": platform.machine()}


def callgrind(argv, against, directory, *options):
    """Runs a program; what callgrind says at the end."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind"] + list(options) + argv,
        env=against.environment(directory), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", timeout=300)
    if done.returncode:
        raise RuntimeError("callgrind: %s" % done.stdout[-1000:])
    return done.stdout


def collected(argv, against, directory):
    """Instructions that a whole run took."""
    out = callgrind(argv, against, directory, "--callgrind-out-file=/dev/null")
    return int(re.search(r"Collected : (\d+)", out).group(1))


def of_one(case, depth, against, directory):
    """Instructions of one repetition, the program's own included."""
    n = N_WITHOUT_STACKS if case in WITHOUT_STACKS else N

    def whole(count):
        # Neither may find the other's trace.
        return collected([program("calls"), case, str(count), str(depth)], against,
                         os.path.join(directory, "traces.%d" % count))
    with concurrent.futures.ThreadPoolExecutor(2) as both:
        once, twice = both.map(whole, (n, 2 * n))
    return (twice - once) / n


def of_sources(pattern, case, against, directory):
    """Instructions of one repetition in the source files that match."""
    counts = []
    for count in (N, 2 * N):
        out = os.path.join(directory, "callgrind.%d" % count)
        callgrind([program("calls"), case, str(count)], against,
                  os.path.join(directory, "traces"), "--callgrind-out-file=" + out)
        table = subprocess.run(["callgrind_annotate", "--threshold=100", "--auto=no", out],
                               stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout
        rows = re.findall(r"^ *([\d,]+) \([^)]*\)  (\S+?):", table, re.M)
        assert rows, table
        counts.append(sum(int(one.replace(",", "")) for one, source in rows
                          if re.search(pattern, source)))
    return (counts[1] - counts[0]) / N


def measure(against=TRACED):
    """{case: instructions of one}."""
    with tempfile.TemporaryDirectory(prefix="closewait-bench-") as directory:
        return {name_of(case, depth): of_one(case, depth, against, directory)
                for case, depth in CASES}


def added(traced):
    """How many of them are the library's."""
    native = measure(NATIVE)
    return {name: count - native[name] for name, count in traced.items()}


def keep(traced):
    with open(KEPT, "w") as f:
        json.dump(dict(conditions(), instructions={name: round(count)
                                                   for name, count in traced.items()}),
                  f, indent=1, sort_keys=True)
        f.write("\n")


def kept():
    with open(KEPT) as f:
        return json.load(f)
