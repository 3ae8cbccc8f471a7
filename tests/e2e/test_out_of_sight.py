# SPDX-License-Identifier: MIT
"""What no hook sees, by io_uring or a program's own system calls: counted, never blamed."""
import json
import os
import signal
import time

import pytest

from reports import Report, named
from traced import program, until_older_than

GRACE = "20ms"


@pytest.fixture
def uring():
    """The program, or the test is skipped."""
    if not os.path.exists(program("uring")):
        pytest.skip("the kernel's headers are older than io_uring's close")
    return program("uring")


def ended(one):
    if one.wait() == 77:
        pytest.skip("io_uring is not to be had here")
    assert one.process.returncode == 0, one.err
    return one.err


@pytest.mark.parametrize("way, opened, gone", [("healthy", 7, 0), ("mixed", 11, 4)])
def test_healthy_server_on_io_uring_is_no_finding(start, run, uring, way, opened, gone):
    """What it does without a call of libc's is counted, where its effect is met at all."""
    assert ended(start([uring, way], grace=GRACE)) == ""
    text = ended(run("--grace", GRACE, command=[uring, way]))
    words = " %d gone out of our sight," % gone if gone else ""
    assert "no leaks: %d opened, 6 closed,%s 1 process" % (opened, words) in text, text


@pytest.mark.parametrize("way", ["leak", "silent", "raw"])
def test_eof_that_was_read_out_of_sight_is_not_called_unread(run, tmp_path, schema, uring, way):
    path = tmp_path / "report.json"
    text = ended(run("--grace", GRACE, "--json", str(path), command=[uring, way]))
    report = Report(text)
    assert report.leaks == 1, text
    group = report.group("unknown")
    assert "whether its end was read is not known" in group.headline, text
    assert "never closed" in group.headline
    assert named(group.stack("opened"), "take", "serve", "main"), text
    assert "3 gone out of our sight" in report.text, text
    document = json.loads(path.read_text())
    schema.validate(document)
    told, = document["groups"]
    assert (told["verdict"], told["leak"]) == ("unknown", True)
    assert document["summary"]["gone"] == 3


def test_bytes_in_the_queue_prove_that_eof_was_not_read(start, uring):
    text = ended(start([uring, "unread"], grace=GRACE))
    report = Report(text)
    assert (report.leaks, report.only().verdict) == (1, "eof-unread"), text
    assert "unread 5 B" in report.only().text


def test_living_server_on_io_uring(start, read_report, uring):
    ended(start([uring, "mixed"], grace=GRACE))
    one = start([uring, "leak", "wait"], grace=GRACE)
    one.line("^ready$")
    until_older_than(time.monotonic(), 0.1)
    report = read_report(one.pid)
    assert (report.leaks, report.group("unknown").count) == (1, 1), report.text
    assert one.end() == -signal.SIGTERM
    assert Report(one.err).group("unknown").count == 1, one.err
