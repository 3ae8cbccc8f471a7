# SPDX-License-Identifier: MIT
"""Each way for a process to end: it ends as without the library, and its leak is told."""
import signal

import pytest

from reports import Report
from traced import program, traces

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


ABSENT = """execv -1 No such file or directory
execl -1 Permission denied
execve -1 Permission denied
execvp -1 No such file or directory
execlp -1 No such file or directory
fexecve -1 Permission denied
"""


@pytest.mark.parametrize("end", ["exit", "kill"])
def test_exec_of_what_is_not_there_ends_nothing(start, directory, read_report, end):
    run = start([program("exec_fails"), "absent", end], grace="20ms")
    assert run.wait() == (0 if end == "exit" else -signal.SIGKILL)
    assert run.out == ABSENT
    assert run.err.count("closewait: ") == (1 if end == "exit" else 0), run.err
    assert read_report(*traces(directory)).only().verdict == "eof-ignored"


def test_exec_that_fails_late_names_no_trace_that_is_gone(start, directory, tmp_path):
    no_program = tmp_path / "no_program"
    no_program.write_bytes(b"\x00\x01 neither a script nor a program\n")
    no_program.chmod(0o755)
    run = start([program("exec_fails"), no_program, "exit"], grace="20ms")
    assert run.wait() == 0
    assert "Exec format error" in run.out
    assert traces(directory) == []
    report = Report(run.err)
    assert report.only().verdict == "eof-ignored", run.err
    assert "ended by exit(0)" in report.end
    assert ".cwtrace" not in run.err, run.err
    assert "in memory only" in run.err, run.err


def test_exec_that_fails_takes_its_finding_back(start, directory, tmp_path):
    """What it found is closed afterwards: at the clean end the trace goes."""
    no_program = tmp_path / "no_program"
    no_program.write_bytes(b"\x00\x01 neither a script nor a program\n")
    no_program.chmod(0o755)
    run = start([program("exec_fails"), no_program, "close"], grace="20ms")
    assert run.wait() == 0
    assert run.err.count("closewait: LEAK") == 1
    assert Report(run.err).end.endswith("replaced by exec"), run.err
    assert traces(directory) == []


@pytest.mark.parametrize("how", ["raise", "kill", "pthread_kill"])
def test_signal_that_is_blocked_ends_nothing(start, directory, how):
    run = start([program("raise_blocked"), how], grace="20ms")
    assert run.wait() == 0
    assert run.err.count("closewait: ") == 1, run.err
    report = Report(run.err)
    assert report.only().verdict == "eof-ignored"
    assert report.end.endswith("ended by exit(0)"), report.text
    assert len(traces(directory)) == 1
