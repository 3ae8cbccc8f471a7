# SPDX-License-Identifier: MIT
"""What is and what is not a leak: each state of a connection, each way to close one."""
import subprocess

import pytest

from reports import Report
from traced import BUILD, files_below, program


def listed(name):
    """The cases that a program knows, as (case, expectation)."""
    try:
        out = subprocess.check_output([program(name), "list"], universal_newlines=True)
    except OSError:
        return []
    return [tuple(line.split()) for line in out.splitlines()]


@pytest.mark.parametrize("state, verdict", listed("states"))
def test_state(start, directory, state, verdict):
    run = start([program("states"), 60, state], grace="20ms")
    assert run.wait() == 0
    if verdict == "-":
        assert run.err == ""
        assert files_below(directory) == []
        return
    report = Report(run.err)
    group = report.only()
    assert (group.verdict, group.count) == (verdict, 1), report.text
    assert group.stack("opened"), report.text
    if verdict == "eof-ignored":
        assert group.stack("EOF read"), report.text


@pytest.mark.parametrize("way, outcome", listed("closes"))
def test_closing(start, directory, way, outcome):
    run = start([program("closes"), 60, way], grace="20ms", slow_close="40ms")
    assert run.wait() == 0
    if outcome == "closed":
        assert run.err == ""
        assert files_below(directory) == []
    elif outcome == "slow":
        report = Report(run.err)
        assert report.leaks == 0
        assert "too_late" in report.group("slow-close").text, report.text
    elif outcome in ("double", "double_twice"):
        report = Report(run.err)
        assert report.leaks == 0
        group = report.group("double-close")
        assert ("1 time " if outcome == "double" else "2 times ") in group.text, report.text
        assert "twice" in group.stack("and again")[0], report.text
    else:
        group = Report(run.err).only()
        assert group.verdict in ("eof-ignored", "shutdown-unclosed"), run.err
        assert group.count == 1


@pytest.mark.parametrize("way", [way for way, outcome in listed("closes")
                                 if outcome == "closed"])
def test_close_at_once_is_not_late_even_without_grace(start, directory, way):
    run = start([program("closes"), 0, way], grace="0")
    assert run.wait() == 0
    assert run.err == ""
    assert files_below(directory) == []


def test_cases_were_found():
    assert len(listed("states")) > 20 and len(listed("closes")) > 10, BUILD
