# SPDX-License-Identifier: MIT
"""Instructions that one call takes, counted by callgrind: the same on every run.

A program runs with N and with 2N repetitions; the difference, divided by N, is one. N is a
thousand, since one recognised stack in a thousand is unwound all the same.
"""
import os
import re
import shutil
import subprocess
import tempfile

from against import NATIVE, TRACED
from places import program

N = 1000
# The case of bench_calls, and the depth of its stacks.
CASES = [("recv", 10), ("read-no-socket", 10), ("accept-close", 10), ("accept-close", 30),
         ("accept-eof-close", 10), ("connection", 10), ("dup-close", 10)]


def name_of(case, depth):
    return case if case in ("recv", "read-no-socket", "dup-close") else "%s-%d" % (case, depth)


def lacks():
    return None if shutil.which("valgrind") else "valgrind is not installed"


def collected(argv, against, directory, out="/dev/null"):
    """Instructions that a whole run took."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out] + argv,
        env=against.environment(directory), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", timeout=300)
    found = re.search(r"Collected : (\d+)", done.stdout)
    if done.returncode or not found:
        raise RuntimeError("callgrind: %s" % done.stdout[-1000:])
    return int(found.group(1))


def of_one(argv, against, directory):
    """argv(count) is the command; instructions of one repetition, in all that runs."""
    once = collected(argv(N), against, directory)
    return (collected(argv(2 * N), against, directory) - once) / N


def added(case, depth, directory):
    """What the library adds to one call of a case."""
    def argv(count):
        return [program("calls"), case, str(count), str(depth)]
    return of_one(argv, TRACED, directory) - of_one(argv, NATIVE, directory)


def measure():
    """{case: instructions that the library adds}."""
    with tempfile.TemporaryDirectory(prefix="closewait-bench-") as directory:
        return {name_of(case, depth): added(case, depth, os.path.join(directory, "traces"))
                for case, depth in CASES}


if __name__ == "__main__":
    import json
    print(json.dumps(measure(), indent=1))
