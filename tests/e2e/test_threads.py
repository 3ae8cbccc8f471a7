# SPDX-License-Identifier: MIT
"""Threads that open, copy, close and leak at random: the report equals their own counts."""
import re

import pytest

from reports import Report
from traced import program

OPERATIONS = 4000
HOLD = 1300  # ms; what is closed in the last second of a process may count as its end's


def counted(run):
    words = re.match(r"opened .*", run.out).group(0).split()
    return dict(zip(words[0::2], map(int, words[1::2])))


def by_verdict(report, verdict):
    return sum(group.count for group in report.groups if group.verdict == verdict)


@pytest.mark.parametrize("seed, unwind", [(1, "known"), (2, "known"), (3, "known"),
                                          (4, "known"), (1, "full")])
def test_threads_at_random(start, seed, unwind):
    run = start([program("threads_random"), seed, OPERATIONS, HOLD], grace="500ms",
                unwind=unwind)
    assert run.wait() == 0, run.err
    own = counted(run)
    report = Report(run.err)
    assert own["leaked_read"] > 50 and own["leaked_unread"] > 50
    assert by_verdict(report, "eof-ignored") == own["leaked_read"], report.text
    # The kernel may reset a connection whose peer has closed it, when many are like that.
    unread = by_verdict(report, "eof-unread") + by_verdict(report, "reset-ignored")
    assert unread == own["leaked_unread"], report.text
    assert report.leaks == own["leaked_read"] + own["leaked_unread"], report.text
    assert ("%(opened)d sockets opened: %(closed)d closed, " % own) in report.text, report.text
    assert ("%d leaked, %d listening." % (report.leaks, own["listening"])) in report.text
    assert "nothing lost" in report.text, report.text
    assert "double-close" not in report.text
