# SPDX-License-Identifier: MIT
"""Descriptors that travel between processes: one socket, one finding, one history."""
import json

import pytest

from reports import Report, named
from traced import PYTHON, client, program, traces

GRACE = "20ms"


def travel(start, way, **options):
    one = start([program("travels"), way], grace=GRACE, **options)
    if one.wait() == 77:
        pytest.skip("no pidfd_getfd() here")
    assert one.process.returncode == 0, one.err
    return one


@pytest.mark.parametrize("way", ["mmsg", "raw", "cut", "getfd", "getfd-raw", "peeked"])
def test_received_socket_that_is_forgotten(start, way):
    one = travel(start, way)
    report = Report(one.err)
    group = report.only()
    assert (report.leaks, group.verdict) == (1, "eof-ignored"), one.err
    assert group.headline.startswith("1 received socket: EOF was read"), one.err
    taker = {"mmsg": "take_many", "raw": "take_raw", "cut": "take_in", "peeked": "take_in"}
    assert named(group.stack("received"), taker.get(way, "get_fd"), "main"), one.err
    assert "gone out of our sight" not in report.text
    assert "nothing lost." in report.text


@pytest.mark.parametrize("way", ["many", "peek", "flight"])
def test_descriptors_that_travel_and_are_closed_are_no_finding(start, directory, read_report,
                                                               way):
    one = travel(start, way, keep="always")
    assert one.err == ""
    report = read_report("--all", *traces(directory))
    assert report.leaks == 0, report.text
    assert "gone out of our sight" not in report.text, report.text
    assert "nothing lost." in report.text, report.text
    # Both ends of the channel, and one that came again for each that was sent.
    opened, closed = {"many": (22, 22), "peek": (6, 6), "flight": (5, 5)}[way]
    assert "%d sockets opened: %d closed." % (opened, closed) in report.text, report.text


def test_copy_taken_by_peeking_is_the_same_socket(start, directory, read_report):
    """Two descriptors, one socket: it is closed when both are."""
    travel(start, "peek", keep="always")
    report = read_report("--all", *traces(directory))
    # listener, client, server, two ends of the channel, and the one that came back
    assert "6 sockets opened: 6 closed" in report.text, report.text


def run_travels(run, tmp_path, way):
    path = tmp_path / "report.json"
    one = run("--grace", GRACE, "--json", str(path), command=[program("travels"), way])
    assert one.wait() == 0, one.err
    return Report(one.err), json.loads(path.read_text())


@pytest.mark.parametrize("way", ["leak", "exec"])
def test_history_of_a_socket_that_was_passed_on(run, tmp_path, schema, way):
    report, document = run_travels(run, tmp_path, way)
    schema.validate(document)
    group = report.only()
    assert (report.leaks, group.verdict) == (1, "eof-ignored"), report.text
    assert named(group.stack("received"), "take_in", "work"), report.text
    assert named(group.stack("opened"), "pair_open", "open_one", "dispatch"), report.text
    assert named(group.stack("passed on"), "pass_on", "dispatch"), report.text
    told, = document["groups"]
    assert told["origin"] == "received"
    steps = [(step["event"], step["stack"][0]["function"], step["pid"])
             for step in told["history"]]
    receiver, = {socket["pid"] for socket in told["sockets"]}
    sender = steps[0][2]
    assert sender != receiver
    assert steps == [("opened", "pair_open", sender), ("passed-on", "pass_on", sender),
                     ("received", "take_in", receiver)]


def test_sender_that_forgets_its_own_copy(run, tmp_path, schema):
    report, document = run_travels(run, tmp_path, "keep")
    schema.validate(document)
    group = report.only()
    assert (report.leaks, group.verdict) == (1, "eof-unread"), report.text
    assert "passed on and still held here" in group.headline, report.text
    assert named(group.stack("opened"), "pair_open", "open_one"), report.text
    assert named(group.stack("passed on"), "pass_on", "dispatch"), report.text
    assert "the sender closes its own after sendmsg()" in group.text
    told, = document["groups"]
    assert [step["event"] for step in told["history"]] == ["opened", "passed-on"]


def test_python_dispatcher_and_its_worker(run):
    one = run("--grace", GRACE, command=[PYTHON, program("passes_on.py"), "0.1"])
    client(one.port(), b"?", 1)
    assert one.wait() == 0, one.err
    report = Report(one.err)
    group = report.only()
    assert (report.leaks, group.verdict) == (1, "eof-ignored"), report.text
    for label, function in (("received", "take_in"), ("EOF read", "work"),
                            ("opened", "dispatch"), ("passed on", "pass_on")):
        first, = [frame for frame in group.stacks[label] if " in %s" % function in frame][:1]
        assert first.startswith("passes_on.py:"), report.text
    assert "gone out of our sight" not in report.text
