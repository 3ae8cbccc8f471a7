# SPDX-License-Identifier: MIT
"""What stdio reads, inside libc: the stream's own end tells."""
import subprocess

import pytest

from reports import LEAKS, Report, named
from traced import files_below, program

HOLD = 60  # ms; longer than GRACE
GRACE = "10ms"


def listed():
    """The program's own table: (case, verdict, count, the function that read the EOF)."""
    try:
        out = subprocess.check_output([program("stdio"), "list"], universal_newlines=True)
    except OSError:
        return []
    return [(case, verdict, int(count), reader)
            for case, verdict, count, reader in (line.split() for line in out.splitlines())]


@pytest.mark.parametrize("case, verdict, count, reader", listed())
def test_rule(start, directory, case, verdict, count, reader):
    run = start([program("stdio"), HOLD, case], grace=GRACE)
    assert run.wait() == 0, run.err
    if verdict not in LEAKS:
        assert run.err == ""
        assert files_below(directory) == []
        return
    report = Report(run.err)
    group = report.only()
    assert (group.verdict, group.count, report.leaks) == (verdict, count, count), report.text
    learned = group.stacks.get("EOF read") or group.stacks.get("reset")
    if reader == "-":
        assert not learned, report.text
    else:
        assert named(learned, reader), report.text


@pytest.mark.parametrize("case", [row[0] for row in listed() if row[1] == "-"])
def test_no_end_is_told_of_what_is_connected(start, case):
    run = start([program("stdio"), HOLD, case], grace=GRACE, show="open")
    assert run.wait() == 0, run.err
    report = Report(run.err)
    assert report.groups and "EOF read" not in report.text, report.text


def test_rules_were_found():
    assert len(listed()) > 15
