# SPDX-License-Identifier: MIT
"""What the hooks cost, in what can be counted: instructions and system calls.

Over sockets that need no kernel (tests/bench/programs/stub.h), so that one run is as the next.
Time is for tests/bench/run.
"""
import os
import re
import subprocess
import sys

import pytest

import traced

os.environ.setdefault("CLOSEWAIT_BUILD", traced.BUILD)
sys.path.insert(0, os.path.join(traced.SOURCE, "tests", "bench"))
import against  # noqa: E402
import instructions  # noqa: E402
import machine  # noqa: E402
from places import program  # noqa: E402

MORE = 1.05  # times the instructions that are kept


@pytest.fixture(autouse=True)
def hooks_are_as_built_for_use():
    if machine.build_options()["b_sanitize"] != "none":
        pytest.skip("built with sanitizers")
    if not os.path.exists(program("calls")):
        pytest.skip("tests/bench is not built for this machine")


@pytest.fixture
def kept(need):
    """The instructions that are kept, if they are comparable with ours."""
    need("valgrind")
    wanted = instructions.kept()
    for name, value in instructions.conditions().items():
        if wanted[name] != value:
            pytest.skip("counted with another %s: %s, not %s" % (name, wanted[name], value))
    return wanted["instructions"]


@pytest.mark.parametrize("case, depth", instructions.CASES,
                         ids=[instructions.name_of(*one) for one in instructions.CASES])
def test_takes_no_more_instructions(kept, tmp_path, case, depth):
    count = instructions.of_one(case, depth, against.TRACED, str(tmp_path))
    assert count <= kept[instructions.name_of(case, depth)] * MORE


def test_without_python_costs_nothing_of_it(need, tmp_path):
    """Four stacks, and each asks whether there is an interpreter: a load, a comparison and a
    jump or two."""
    need("valgrind")
    need("callgrind_annotate")
    stacks = instructions.of_sources(r"preload/known_stacks\.c$", "connection",
                                     against.TRACED, str(tmp_path))
    asked = instructions.of_sources(r"preload/python_", "connection", against.TRACED,
                                    str(tmp_path))
    assert stacks > 100 and asked <= 4 * 4


def under_strace(case, count, kind, tmp_path):
    """{system call: how often} of a whole run."""
    table = str(tmp_path / "table")
    subprocess.run(["strace", "-f", "-c", "-o", table, program("calls"), case, str(count)],
                   env=kind.environment(str(tmp_path / "traces")), check=True,
                   stdout=subprocess.DEVNULL, timeout=traced.DEADLINE)
    with open(table) as f:
        rows = re.findall(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", f.read(), re.M)
    assert rows
    return {call: int(count) for count, call in rows if call != "total"}


def system_calls_of_one(case, tmp_path):
    """What the library adds to one repetition: {system call: how many}, without those that are
    made now and then: one recognised stack in a thousand is unwound, with signals held off."""
    count = 2000
    more = {}
    for sign, kind in ((1, against.TRACED), (-1, against.NATIVE)):
        once = under_strace(case, count, kind, tmp_path)
        twice = under_strace(case, 2 * count, kind, tmp_path)
        for call in twice:
            more[call] = more.get(call, 0) + sign * (twice[call] - once.get(call, 0))
    return {call: added / count for call, added in more.items() if abs(added) > count / 2}


@pytest.mark.parametrize("case", ["recv", "read-no-socket", "dup-close"])
def test_makes_no_system_call(need, tmp_path, case):
    need("strace")
    assert system_calls_of_one(case, tmp_path) == {}


@pytest.mark.parametrize("case, most", [("accept-close", 1), ("connection", 1), ("thread", 1)])
def test_makes_few_system_calls(need, tmp_path, case, most):
    """Who it is that was accepted; in a thread of its own, too."""
    need("strace")
    made = system_calls_of_one(case, tmp_path)
    assert set(made) == {"getsockopt"} and made["getsockopt"] <= most, made


def calls_of_forks(children, kind, tmp_path):
    """All system calls of a program that forks so many, each for a connection."""
    table = str(tmp_path / "table")
    subprocess.run(["strace", "-f", "-c", "-o", table, traced.program("forks_many"),
                    str(children), "leaking"], env=kind.environment(str(tmp_path / "traces")),
                   check=True, stdout=subprocess.DEVNULL, timeout=traced.DEADLINE)
    with open(table) as f:
        return int(re.search(r"(\d+) +\d+ +total$", f.read(), re.M).group(1))


def test_child_makes_few_system_calls(need, tmp_path):
    """It neither reads /proc nor unwinds what an earlier child has unwound: that would be a
    hundred calls. Some two dozen remain, its parent's among them."""
    need("strace")
    count = 50
    more = {kind: calls_of_forks(2 * count, kind, tmp_path) - calls_of_forks(count, kind, tmp_path)
            for kind in (against.TRACED, against.NATIVE)}
    assert more[against.TRACED] - more[against.NATIVE] < 40 * count, more
