# SPDX-License-Identifier: MIT
"""What is kept of runs, and the verbs that need no trace."""
import os
import re
import signal
import subprocess
import time

import pytest

from reports import FAULTS, VERDICTS, Report
from runs import GRACE, holds_leak
from traced import COMMAND, DEADLINE, environment, files_below, traces, until_older_than


def test_kept_sessions_are_listed_and_cleaned(run, closewait, directory):
    one = run("--grace", GRACE, command=holds_leak(2, "exit"))
    assert one.wait() == 0
    session = os.path.dirname(traces(directory)[0])
    listed = closewait("list", "--dir", directory)
    line, = listed.stdout.splitlines()
    assert session in line and "ended" in line and "holds_leak" in line
    assert Report(closewait("report", session).stdout).leaks == 2
    cleaned = closewait("clean", "--dir", directory)
    assert re.match(r"removed 1 session, \d+ KiB$", cleaned.stdout)
    assert files_below(directory) == [] and os.listdir(directory) == []


def test_arguments_need_not_be_text(run, closewait, directory):
    hostile = os.fsdecode(b"\xff\n\x1b[31m")
    one = run("--keep", command=["sh", "-c", "kill -9 $$", hostile])
    assert one.wait() == -signal.SIGKILL
    line, = closewait("list", "--dir", directory).stdout.splitlines()
    assert line.endswith("sh -c 'kill -9 $$' '???[31m'"), line


def test_a_kept_trace_that_is_empty_is_not_every_runs_concern(run, closewait, directory):
    """So it is left by a process that was killed while it made the trace."""
    session = os.path.join(directory, "999999-1")
    os.makedirs(session, mode=0o700)
    os.chmod(directory, 0o700)
    open(os.path.join(session, "999999.0.cwtrace"), "w").close()
    one = run("--quiet", command=["true"])
    assert (one.wait(), one.err) == (0, "")
    assert closewait("list", "--dir", directory).stderr == ""
    cleaned = closewait("clean", "--dir", directory)
    assert cleaned.stderr == "" and cleaned.stdout.startswith("removed 1 session, ")


def test_session_that_runs_is_not_cleaned(run, closewait, directory):
    one = run("--grace", GRACE, command=holds_leak(1, "wait"))
    one.line("ready")
    assert "running" in closewait("list", "--dir", directory).stdout
    assert "1 still runs" in closewait("clean", "--dir", directory).stdout
    # A live session's report is that of the moment.
    report = Report(closewait("report", directory).stdout)
    assert report.leaks == 1 and report.end.endswith("running"), report.text
    one.end()
    assert Report(one.err).leaks == 1, one.err


@pytest.mark.parametrize("mode", [0o700, 0o755])
@pytest.mark.parametrize("name", ["uploaded", "my-session.json", "tax.report.txt", "a.cwtrace",
                                  "photo.jpg"])
def test_what_is_no_session_is_not_cleaned(closewait, tmp_path, name, mode):
    month = tmp_path / "base" / "2024-01"
    month.mkdir(parents=True)
    write = month / name
    write.write_text("mine")
    month.chmod(mode)
    done = closewait("clean", "--dir", tmp_path / "base")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "removed 0 sessions, 0 KiB\n")
    assert write.read_text() == "mine"
    assert closewait("list", "--dir", tmp_path / "base").stdout == ""


@pytest.mark.long
@pytest.mark.parametrize("name, stays", [("photo.jpg", True), ("12.0.cwtrace", False)])
def test_library_makes_room_by_removing_sessions_alone(start, directory, name, stays):
    month = os.path.join(directory, "2024-01")
    os.makedirs(month, mode=0o700)
    os.chmod(directory, 0o700)
    path = os.path.join(month, name)
    with open(path, "wb") as f:
        os.posix_fallocate(f.fileno(), 0, 257 << 20)
    assert start(holds_leak(1, "exit")).wait() == 0
    assert os.path.exists(path) == stays


def test_a_base_that_is_a_link_is_nobodys(closewait, tmp_path):
    """Another user can plant one in /tmp."""
    session = tmp_path / "victim" / "2024-01"
    session.mkdir(parents=True, mode=0o700)
    (session / "session.json").write_text("mine")
    (tmp_path / "closewait").symlink_to(tmp_path / "victim")
    done = subprocess.run([COMMAND, "clean"], stdout=subprocess.PIPE, timeout=DEADLINE,
                          env=environment(False, None, None, {"XDG_RUNTIME_DIR": str(tmp_path)}))
    assert done.returncode == 0
    assert (session / "session.json").read_text() == "mine"


def test_report_without_a_name_takes_the_newest_session(start, tmp_path):
    env = {"XDG_RUNTIME_DIR": str(tmp_path)}
    for count in (1, 3):
        one = start([COMMAND, "run", "--grace", GRACE, "--"] + holds_leak(count, "exit"),
                    preload=False, env=env)
        assert one.wait() == 0
        until_older_than(time.monotonic(), 1.1)
    done = subprocess.run([COMMAND, "report"], stdout=subprocess.PIPE, encoding="utf-8",
                          timeout=DEADLINE, env=environment(False, None, None, env))
    assert done.returncode == 0 and Report(done.stdout).leaks == 3


def test_explain_knows_every_word(closewait):
    listed = closewait("explain").stdout
    for word in VERDICTS + FAULTS:
        assert re.search(r"^%s " % word, listed, re.M)
        explained = closewait("explain", word)
        assert explained.returncode == 0 and explained.stdout.startswith(word + ": ")
    wrong = closewait("explain", "eof")
    assert wrong.returncode == 2 and "eof: no such verdict" in wrong.stderr


@pytest.mark.parametrize("verb", ["run", "report", "list", "clean", "explain", "doctor", ""])
def test_help_fits_a_screen(closewait, verb):
    done = closewait(*filter(None, [verb, "--help"]))
    assert done.returncode == 0 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].startswith("usage: closewait") and len(lines) <= 35
    assert max(map(len, lines)) <= 90
