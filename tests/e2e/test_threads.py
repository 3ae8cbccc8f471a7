# SPDX-License-Identifier: MIT
"""Threads that open, copy, close and leak at random: the report equals their own counts."""
import re

import pytest

from reports import HEAD, Report
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


APART = "closewait: a thread has taken descriptors of its own"


@pytest.mark.parametrize("way", ["thread", "call", "exit"])
def test_thread_with_descriptors_of_its_own_closes_nobody_elses(start, way):
    run = start([program("unshared"), way], grace="20ms")
    assert run.wait() == 0, run.err
    report = Report(run.err)
    assert report.only().verdict == "eof-ignored" and report.leaks == 1, run.err
    assert "3 sockets opened: 1 closed, 1 leaked" in report.text, report.text
    assert "out of our sight" not in report.text
    assert run.err.startswith(APART), run.err


def test_child_of_a_thread_with_descriptors_of_its_own(start):
    run = start([program("unshared"), "fork"], grace="20ms")
    assert run.wait() == 0, run.err
    heads = HEAD.findall(run.err)
    assert [head[0] for head in heads] == ["1", "1"], run.err
    assert "out of our sight" not in run.err


def test_unsharing_alone_is_closing(start):
    run = start([program("unshared"), "alone"], grace="20ms")
    assert run.wait() == 0, run.err
    report = Report(run.err)
    assert report.only().verdict == "eof-ignored" and report.leaks == 1, run.err
    assert "6 sockets opened: 4 closed, 1 leaked" in report.text, report.text
    assert APART not in run.err
