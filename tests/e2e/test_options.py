# SPDX-License-Identifier: MIT
"""CLOSEWAIT_OPTIONS: what each option does, and what a mistake in it costs: one line."""
import os
import re
import signal
import time

import pytest

from reports import Report
from traced import (client, closewait_lines, example, files_below, program, traces,
                    until_older_than)

BAD = [
    ("grace", "soon", r"grace is 1s"),
    ("grace", "-1s", r"grace is 1s"),
    ("slow_close", "10 parsecs", r"slow_close is 10s"),
    ("exitcode", "300", r"exit status"),
    ("exitcode", "x", r"exit status"),
    ("keep", "some", r"keep is leaks"),
    ("signals", "perhaps", r"signals is yes"),
    ("show", "closed", r"shown"),
    ("dir", "relative/path", r"default"),
    ("graze", "1s", r"ignored"),
]


@pytest.mark.parametrize("key, value, default", BAD, ids=lambda word: word.replace(" ", "_"))
def test_mistake_is_one_line_and_the_server_serves_on(start, tmp_path, key, value, default):
    server = start([example("eof_ignored"), 0, 1], env={"XDG_RUNTIME_DIR": str(tmp_path)},
                   **{key: value})
    client(server.port(), b"line\n", 3)
    server.line("served 1")
    assert server.end() == -signal.SIGTERM
    line, = server.err.splitlines()
    assert line.startswith("closewait: ")
    assert key in line and value in line or key == "graze" and key in line
    assert re.search(default, line), line


def test_two_mistakes_are_two_lines(start):
    server = start([example("eof_ignored"), 0, 1], grace="soon", colour="red")
    client(server.port(), b"line\n", 3)
    server.line("served 1")
    server.end()
    assert len(closewait_lines(server.err)) == 2
    assert len(server.err.splitlines()) == 2


def test_mistake_is_not_mentioned_where_no_socket_is_opened(start, directory):
    run = start(["/bin/true"], grace="soon")
    assert run.wait() == 0
    assert run.err == ""
    assert files_below(directory) == []


def leak(start, **options):
    options.setdefault("grace", "20ms")
    run = start([program("ends"), 60, "exit"], **options)
    assert run.wait() == 7
    return run


def test_report_none(start, directory, read_report):
    run = leak(start, report="none")
    assert run.err == ""
    assert read_report(directory).only().count == 1


def test_report_to_a_file(start, tmp_path):
    run = leak(start, report=str(tmp_path / "report.%p"))
    assert run.err == ""
    text = (tmp_path / ("report.%d" % run.pid)).read_text()
    assert Report(text).only().verdict == "eof-ignored"


def test_report_to_a_file_that_cannot_be_made(start, tmp_path):
    run = leak(start, report=str(tmp_path / "absent" / "report"))
    assert "closewait: " in run.err


def test_no_report_file_without_a_finding(start, tmp_path):
    run = start([program("ends"), 0, "exit"], grace="10m", report=str(tmp_path / "report"))
    assert run.wait() == 7
    assert not (tmp_path / "report").exists()


def test_keep_leaks_is_the_default(start, directory):
    leak(start)
    assert len(traces(directory)) == 1


def test_keep_never(start, directory):
    run = leak(start, keep="never")
    assert Report(run.err).leaks == 1
    assert files_below(directory) == []


def test_keep_always(start, directory, read_report):
    run = start([program("ends"), 0, "exit"], grace="10m", keep="always")
    assert (run.wait(), run.err) == (7, "")
    assert len(traces(directory)) == 1
    assert read_report(directory).leaks == 0


def test_show_open(start):
    run = start([program("states"), 0, "still_connected"], show="open")
    assert run.wait() == 0
    report = Report(run.err)
    assert report.leaks == 0
    assert "ESTABLISHED" in run.err and "LISTEN" in run.err, run.err


def test_help(start):
    run = start([program("states"), 0, "still_connected"], help="1")
    assert run.wait() == 0
    for key in ("report=", "exitcode=", "grace=", "slow_close=", "dir=", "keep=", "signals=",
                "show=", "help="):
        assert key in run.err


@pytest.mark.parametrize("grace, told", [("1ms", 1), ("0", 1), ("1m", 0), ("60", 0)])
def test_durations(start, grace, told):
    run = leak(start, grace=grace)
    assert Report(run.err).leaks == told, run.err


def test_quoted_values_may_hold_a_colon(start, tmp_path):
    place = tmp_path / "with:colon"
    leak(start, dir=str(place))
    assert len(traces(place)) == 1


def test_default_directory_is_the_users_runtime_directory(start, tmp_path):
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    leak(start, dir=None, env={"XDG_RUNTIME_DIR": str(runtime)})
    assert len(traces(runtime / "closewait")) == 1


def test_default_directory_without_a_runtime_directory(start):
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("/dev/shm cannot be written to")
    run = start([program("ends"), 60, "wait"], grace="20ms", dir=None, keep="never",
                env={"XDG_RUNTIME_DIR": ""})
    run.line("ready")
    place = "/dev/shm/closewait-%d" % os.geteuid()
    assert any("%d-" % run.pid in trace for trace in traces(place))
    run.end()
    assert not any("%d-" % run.pid in trace for trace in traces(place))


def test_directory_that_cannot_be_made(start, tmp_path):
    (tmp_path / "file").write_text("")
    server = start([example("eof_ignored"), 0, 2], grace="20ms",
                   dir=str(tmp_path / "file" / "below"))
    port = server.port()
    client(port, b"line\n", 3)
    client(port, b"half")
    server.line("served 2")
    until_older_than(time.monotonic(), 0.1)
    assert server.end() == -signal.SIGTERM
    first, rest = server.err.split("\n", 1)
    assert re.match(r"closewait: .*file/below", first), server.err
    told = [line for line in server.err.splitlines() if "file/below" in line
            and line.startswith("closewait: ") and "LEAK" not in line]
    assert len(told) == 1
    assert Report(server.err).only().verdict == "eof-ignored"
