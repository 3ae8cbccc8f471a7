# SPDX-License-Identifier: MIT
"""The library itself under memcheck, preloaded as ever: no wrong access, nothing undefined."""
import os
import re

import pytest

from traced import SOURCE, program

SUPPRESSIONS = os.path.join(SOURCE, "tests", "valgrind.supp")
ERRORS = 90  # the exit status that stands for "memcheck found something"

RUNS = [
    ["eof_rules", 60, "second_eof"], ["eof_rules", 60, "number_reused_by_a_leak"],
    ["eof_rules", 60, "half_closed_client"], ["ends", 60, "return"], ["ends", 60, "abort"],
    ["threads_random", 1, 400, 50], ["cpp_server", 20],
    ["alloca_depths", 1, 20], ["left_midway", 60], ["vfork_close", 60, "exec"],
    ["leaks_many", 60, 200], ["recv_reused", 60, "live"], ["close_refused", 60, "dup2"],
    ["swap_host", 60, "swapped_first.so", "swapped_other.so"],
]


@pytest.mark.parametrize("argv", RUNS, ids=lambda argv: "-".join(map(str, argv)))
def test_memcheck_finds_nothing(start, need, argv):
    valgrind = need("valgrind")
    if not os.path.exists(program(argv[0])):
        pytest.skip("%s was not built" % argv[0])
    command = [program(argv[0])] + [
        program(word[:-3]) + ".so" if str(word).endswith(".so") else word for word in argv[1:]]
    native = start(command, preload=False)
    status = native.wait()
    # The library switches stacks for a moment: memcheck knows it by the distance.
    run = start([valgrind, "-q", "--suppressions=" + SUPPRESSIONS, "--max-stackframe=65536",
                 "--error-exitcode=%d" % ERRORS] + command, grace="10ms")
    assert run.wait() == status, run.err
    found = [line for line in run.err.splitlines() if re.match(r"==\d+==\s+\S", line)]
    assert status == -6 or found == [], run.err
