# SPDX-License-Identifier: MIT
"""Each way for a process to end: it ends as without the library, and its leak is told."""
import signal

import pytest

from reports import Report
from traced import program

ENDS = {  # way: (wait status, what stdio flushed)
    "return": (7, "not flushed"),
    "exit": (7, "not flushed"),
    "_exit": (7, ""),
    "_Exit": (7, ""),
    "quick_exit": (7, ""),
    "pthread_exit": (0, "not flushed"),
    "raise": (-signal.SIGTERM, ""),
    "kill": (-signal.SIGHUP, ""),
    "pthread_kill": (-signal.SIGUSR1, ""),
    "abort": (-signal.SIGABRT, ""),
    "fault": (-signal.SIGSEGV, ""),
    "handler": (7, ""),
    "handler_raises": (-signal.SIGTERM, ""),
}


def leak_told(run):
    report = Report(run.err)
    assert report.pid == run.pid
    assert report.only().verdict == "eof-ignored"
    assert "in 5 B" in report.text
    assert run.err.count("closewait: LEAK") == 1
    return report


@pytest.mark.parametrize("way", sorted(ENDS))
def test_ends(start, way):
    run = start([program("ends"), 60, way], grace="20ms")
    assert (run.wait(), run.out) == ENDS[way]
    leak_told(run)


@pytest.mark.parametrize("way", ["return", "exit", "_exit", "_Exit", "quick_exit"])
def test_exitcode_is_passed_on_if_there_is_a_leak(start, way):
    run = start([program("ends"), 60, way], grace="20ms", exitcode="23")
    assert (run.wait(), run.out) == (23, ENDS[way][1])
    leak_told(run)


def test_exitcode_does_not_hide_a_signal(start):
    run = start([program("ends"), 60, "raise"], grace="20ms", exitcode="23")
    assert run.wait() == -signal.SIGTERM


def test_exitcode_is_left_alone_without_a_leak(start):
    run = start([program("ends"), 0, "exit"], grace="10m", exitcode="23")
    assert (run.wait(), run.err) == (7, "")


def test_signals_no_leaves_signals_alone(start, directory, read_report):
    run = start([program("ends"), 60, "wait"], grace="20ms", signals="no")
    run.line("ready")
    status = open("/proc/%d/status" % run.pid).read()
    assert "SigCgt:\t0000000000000000" in status
    assert run.end() == -signal.SIGTERM
    assert run.err == ""
    assert read_report(directory).only().verdict == "eof-ignored"


def test_program_sees_neither_handlers_nor_descriptors(start, directory):
    native = start([program("no_socket")], preload=False)
    native.wait()
    run = start([program("no_socket")])
    assert run.wait() == native.wait() == 0
    assert run.out == native.out
    assert "default" in run.out
    assert run.err == ""
