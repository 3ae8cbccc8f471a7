# SPDX-License-Identifier: MIT
"""Handlers that come in the middle of a hook, and threads that are ended there."""
import re

import pytest

from reports import Report, named
from traced import program

HOLD = 30  # ms; longer than GRACE
GRACE = "10ms"

TOTALS = re.compile(r"^(\d+) sockets opened: (\d+) closed(?:, (\d+) leaked)?"
                    r"(?:, (\d+) gone out of our sight)?", re.M)


def own(text):
    """The pairs of a word and a number that the program prints."""
    return {word: int(number) for word, number in re.findall(r"\b(\w+) (\d+)\b", text)}


def totals(report):
    """Sockets opened, closed, leaked, gone out of our sight."""
    return [int(number or 0) for number in TOTALS.search(report.text).groups()]


def only_the_planted_leak(report, run):
    assert (report.leaks, report.only().verdict) == (1, "eof-ignored"), run.err
    assert named(report.only().stack("EOF read"), "leak", "main"), run.err
    assert "lost:" not in report.text and "double-close" not in report.text, run.err


@pytest.fixture
def much(request):
    """much(few, many): how much to do, by default and with --long."""
    return lambda few, many: many if request.config.getoption("--long") else few


@pytest.mark.parametrize("unwind", ["known", "full"])
def test_handler_that_reads_closes_and_forks(start, much, unwind):
    signals = much(600, 6000)
    run = start([program("handler_acts"), signals, HOLD], grace=GRACE, unwind=unwind)
    assert run.wait() == 0, run.err
    counts = own(run.out)
    assert counts["failed"] == 0 and counts["forked"] == signals // 4
    assert counts["taken"] > 0
    report = Report(run.err)
    only_the_planted_leak(report, run)
    assert totals(report) == [counts["opened"], counts["closed"], 1, 0], run.out + run.err


def test_threads_that_are_ended_from_outside(start, much):
    """Cancelled, deferred and at once, by pthread_exit() and by a jump out of a handler; in accept,
    recv and close, and in the middle of anything."""
    rounds = much(25, 250)
    native = start([program("cancels"), 0, rounds], preload=False)
    run = start([program("cancels"), HOLD, rounds], grace=GRACE)
    assert (run.wait(), native.wait()) == (0, 0), run.err
    without_counts = re.compile(r"^opened.*\n", re.M)
    assert without_counts.sub("", run.out) == without_counts.sub("", native.out)
    assert run.out.count(": yes, cleaned up 1\n") == 4 * 3
    assert run.out.count(" midway: %d\n" % rounds) == 4

    counts = own(run.out)
    report = Report(run.err)
    only_the_planted_leak(report, run)
    opened, closed, leaked, gone = totals(report)
    # Of each thread one operation was under way; socketpair() opens two.
    in_flight = 4 * (rounds + 3)
    assert counts["opened"] <= opened + in_flight and opened <= counts["opened"] + 2 * in_flight
    assert abs(opened - closed - gone - leaked) <= in_flight, report.text
    assert gone <= in_flight, report.text


def test_a_number_that_another_thread_uses_while_it_is_opened_and_closed(start, much):
    """Between a system call and its record the socket is not known; who meets it then and adopts
    it has not found another one."""
    run = start([program("stale_numbers"), much(100000, 2000000)], grace=GRACE)
    assert run.wait() == 0, run.err
    counts = own(run.out)
    assert counts["seen"] > 0  # the numbers did meet
    report = Report(run.err)
    assert report.leaks == 0
    assert totals(report) == [counts["opened"], counts["closed"], 0, 0], run.out + run.err


def test_call_that_goes_on_in_a_child_too_counts_in_each_alone(start):
    """A handler forks in a blocked recv: what the child receives there is not its parent's."""
    run = start([program("fork_in_recv"), HOLD], grace=GRACE)
    assert run.wait() == 0, run.err
    assert "in 10 B " in Report(run.err).only().text, run.err
