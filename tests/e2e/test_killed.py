# SPDX-License-Identifier: MIT
"""A busy server that is killed at any moment: its trace opens, and no record is torn."""
import json
import random
import time

import pytest

from traced import program, traces

CARRIED = {"near": 3, "far": 5}  # bytes of a connection of each kind

EMPTY = "empty: the process ended before it had recorded anything\n"

# Which function makes each of a socket's stacks, after the kind's name.
MAKERS = {"open": "open", "first_write": "write", "first_read": "read", "eof": "learn_eof",
          "close": "close", "shutdown": None, "reset": None}


def functions(stack):
    """Of the program's own frames, innermost first."""
    names = [frame["function"] for frame in stack if not frame["inlined"]]  # libc's fortified
    return names[:names.index("serve") + 1] if "serve" in names else names


def expected(kind, maker):
    """What a stack may be: the far ones step down a varying number of times."""
    least = ["%s_%s" % (kind, maker), "%s_step" % kind]
    return [least + ["far_step"] * more + ["serve"] for more in range(6 if kind == "far" else 1)]


def wrong_in(group):
    """What cannot be in one group's stacks and sockets."""
    found = []
    kind = functions(group["stacks"]["open"])[0].split("_")[0]
    for name, stack in group["stacks"].items():
        if stack and functions(stack) not in expected(kind, MAKERS[name]):
            found.append((name, functions(stack)))
    for closer in group["closed_by"]:
        if functions(closer["stack"]) not in expected(kind, "close"):
            found.append(("closed_by", functions(closer["stack"])))
    for s in group["sockets"]:
        if s["received_bytes"] not in (0, CARRIED[kind]) or \
           s["sent_bytes"] not in (0, CARRIED[kind]):
            found.append((kind, s))
    if group["verdict"] == "eof-ignored" and not group["stacks"]["eof"]:
        found.append("no stack of the EOF")
    return found


def check(shown):
    """Asserts that all of one report can be; returns how many sockets it shows."""
    report = json.loads(shown.stdout)
    assert report["summary"]["lost"] == {}
    wrong = [one for group in report["groups"] for one in wrong_in(group)]
    assert wrong == []
    for site in report["sites"]:
        kind = functions(site["stack"])[0].split("_")[0]
        assert functions(site["stack"]) in expected(kind, "open")
    sockets = sum(group["count"] for group in report["groups"])
    # Three threads of twelve pairs each: no more can be open, but those that are being made.
    assert sockets <= 3 * 12 * 2
    return sockets


@pytest.mark.parametrize("unwind", ["known", "full"])
def test_trace_of_a_killed_server(start, directory, closewait, request, unwind):
    runs = 500 if request.config.getoption("--long") else 12
    chance = random.Random(unwind)
    shown, sockets = 0, 0
    for seed in range(runs):
        run = start([program("busy_server"), seed], grace="0", unwind=unwind,
                    dir=directory + str(seed))
        time.sleep(chance.expovariate(1 / 0.02))
        run.process.kill()
        assert run.wait() == -9
        assert run.err == ""
        for trace in traces(directory + str(seed)):
            report = closewait("report", "--all", "--show-open", "--json", "-", trace)
            if report.returncode == 2:  # killed between two system calls
                assert report.stderr.endswith(EMPTY), report.stderr
                continue
            assert report.returncode == 0, report.stderr
            shown += 1
            sockets += check(report)
    # It may be killed before its first socket, but not always.
    assert shown > runs / 4 and sockets > runs
