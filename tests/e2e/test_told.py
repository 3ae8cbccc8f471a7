# SPDX-License-Identifier: MIT
"""What poll() and epoll tell the program of a peer that has left: where, of which socket."""
import json
import os
import re
import subprocess
import time

import pytest

from reports import LEAKS, Report, named
from traced import LIBRARY, PYTHON, client, files_below, program, until, until_older_than

HOLD = 60  # ms; longer than GRACE
GRACE = "10ms"


def listed():
    """The program's own table: (case, verdict, count, the function that was told)."""
    try:
        out = subprocess.check_output([program("told"), "list"], universal_newlines=True)
    except OSError:
        return []
    return [(case, verdict, int(count), told)
            for case, verdict, count, told in (line.split() for line in out.splitlines())]


def bring_about(start, case, status=0, **options):
    options.setdefault("grace", GRACE)
    run = start([program("told"), HOLD, case], **options)
    assert run.wait() == status, run.err
    return run


def told_stack(group):
    return group.stacks.get("told of FIN") or group.stacks.get("told of end")


@pytest.mark.parametrize("case, verdict, count, told",
                         [row for row in listed() if row[1] in LEAKS + ("-",)])
def test_rule(start, directory, case, verdict, count, told):
    run = bring_about(start, case)
    if verdict not in LEAKS:
        assert run.err == ""
        assert files_below(directory) == []
        return
    report = Report(run.err)
    group = report.only()
    assert (group.verdict, group.count, report.leaks) == (verdict, count, count), report.text
    if told == "-":
        assert not told_stack(group), report.text
    else:
        assert named(told_stack(group), told), report.text
    assert "lost:" not in report.text, report.text


@pytest.mark.parametrize("case", [row[0] for row in listed() if row[1] == "-"])
def test_nothing_is_told_where_no_peer_has_left(start, case):
    report = Report(bring_about(start, case, show="open").err)
    assert report.groups and "told of" not in report.text, report.text


def test_what_was_told_is_known_of_a_killed_process(start, directory, read_report):
    bring_about(start, "killed_when_told", status=-9)
    group = read_report(directory).only()
    assert group.verdict == "eof-unread", group.text
    assert named(told_stack(group), "handle_events", "killed_when_told"), group.text
    assert "the program was told" in group.headline and "at least" in group.headline


def test_slow_close_dates_from_what_was_told(start):
    report = Report(bring_about(start, "told_and_closed_late", grace="1s",
                                slow_close="120ms").err)
    assert report.leaks == 0
    assert "told_and_closed_late" in report.group("slow-close").text, report.text


def test_stack_is_in_the_json_report(start, directory, closewait, schema):
    bring_about(start, "by_epoll")
    done = closewait("report", "--json", "-", directory)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    schema.validate(document)
    group, = document["groups"]
    assert [frame["function"] for frame in group["stacks"]["told"]][0] == "handle_events"
    assert group["stacks"]["eof"] is None and group["dwell_bound"] == "at_least"


def test_registrations_without_room_are_counted(start):
    report = Report(bring_about(start, "more_registrations_than_are_kept").err)
    assert report.only().count == 1, report.text
    assert re.search(r"\b\d+ sockets given to epoll that were not kept: no room", report.text)


def test_event_loop_in_python_that_lives(start, read_report):
    server = start([PYTHON, program("epoll_server.py")], grace=GRACE)
    port = server.port()
    for _ in range(3):
        client(port, b"hello", 5)
    until(lambda: server.out.count("has closed") == 3, "the server to be told")
    until_older_than(time.monotonic(), 0.1)
    for report in (read_report(server.pid), None):
        if not report:
            server.end()
            report = Report(server.err)
        leaks = [group for group in report.groups if group.verdict in LEAKS]
        assert sum(group.count for group in leaks) == report.leaks == 3, report.text
        for group in leaks:
            assert group.verdict == "eof-unread", report.text
            assert re.match(r"epoll_server\.py:\d+ in serve", told_stack(group)[0]), group.text
            assert "the program was told" in group.headline, group.text


def test_number_reused_between_the_call_and_its_hook(start):
    swaps = os.path.join(os.path.dirname(program("told")), "test_poll_swaps.so")
    run = bring_about(start, "number_reused_after_the_call", show="open",
                      env={"LD_PRELOAD": LIBRARY + ":" + swaps})
    report = Report(run.err)
    assert "told of" not in report.text and report.leaks == 0, report.text
    assert "number_reused_after_the_call" in report.text, report.text


def test_rules_were_found():
    assert len(listed()) > 30
