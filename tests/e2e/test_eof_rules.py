# SPDX-License-Identifier: MIT
"""What counts as an EOF, and of which socket; and the verdict that follows from it."""
import re
import subprocess

import pytest

from reports import LEAKS, Report, named
from traced import files_below, program

HOLD = 60  # ms; longer than GRACE
GRACE = "10ms"


def listed():
    """The program's own table: (case, verdict, count)."""
    try:
        out = subprocess.check_output([program("eof_rules"), "list"], universal_newlines=True)
    except OSError:
        return []
    return [(case, verdict, int(count))
            for case, verdict, count in (line.split() for line in out.splitlines())]


def bring_about(start, case, **options):
    options.setdefault("grace", GRACE)
    run = start([program("eof_rules"), HOLD, case], **options)
    assert run.wait() == 0, run.err
    return run


@pytest.mark.parametrize("case, verdict, count", listed())
def test_rule(start, directory, case, verdict, count):
    run = bring_about(start, case)
    if verdict not in LEAKS:
        assert run.err == ""
        assert files_below(directory) == []
        return
    report = Report(run.err)
    group = report.only()
    assert (group.verdict, group.count, report.leaks) == (verdict, count, count), report.text
    assert bool(group.stacks.get("EOF read")) == (verdict == "eof-ignored" or
                                                  case.endswith("fin_read")), report.text


@pytest.mark.parametrize("case, verdict, count",
                         [row for row in listed() if row[1] not in LEAKS])
def test_what_is_no_leak_is_shown_on_request(start, case, verdict, count):
    report = Report(bring_about(start, case, show="open").err)
    assert report.leaks == 0, report.text
    shown = {group.verdict: group.count for group in report.groups}
    shown.pop("open", None)
    assert shown == ({verdict: count} if count else {}), report.text


def test_rules_were_found():
    assert len(listed()) > 25


def test_second_eof_is_told_by_the_first(start):
    group = Report(bring_about(start, "second_eof").err).only()
    assert group.stack("EOF read")[0].startswith("learn_first"), group.text
    assert "learn_again" not in group.text


def test_socket_is_shown_by_the_number_it_is_held_by(start):
    run = bring_about(start, "read_on_the_copy")
    held = re.findall(r"^fd (\d+) socket$", run.out, re.M)
    shown = re.findall(r"^fd (\d+) ", "\n".join(Report(run.err).only().sockets), re.M)
    assert shown == held[-1:], run.out + run.err


def test_reused_number_is_blamed_on_the_code_that_opened_it_last(start):
    report = Report(bring_about(start, "number_reused_by_a_leak").err)
    assert named(report.only().stack("opened"), "accept_the_second", "main"), report.text
    assert "1 gone out of our sight" in report.text


@pytest.mark.parametrize("case", ["closed_out_of_sight", "number_reused_by_a_socket",
                                  "number_reused_by_a_file",
                                  "file_read_by_the_number_of_a_socket",
                                  "number_reused_out_of_sight"])
def test_what_went_out_of_sight_is_counted_as_such(start, case):
    report = Report(bring_about(start, case, show="open").err)
    assert "1 gone out of our sight" in report.text, report.text


def test_reset_after_eof_is_listed_under_it(start):
    report = Report(bring_about(start, "eof_then_reset").err)
    assert "then reset" in report.only().text, report.text
    assert report.only().stack("EOF read")[0].startswith("learn_first"), report.text


@pytest.mark.parametrize("case", ["half_closed_client",
                                  "half_closed_client_answered_out_of_sight"])
def test_half_closed_is_a_leak_once_nothing_has_moved_for_long(start, case):
    report = Report(bring_about(start, case, slow_close="20ms").err)
    assert report.leaks == 1, report.text
    assert report.group("half-closed").count == 1


def test_child_that_held_its_connection_for_too_long_is_told_of(start):
    run = bring_about(start, "closed_by_a_child_that_worked_on", slow_close="120ms")
    assert Report(run.err).only().verdict == "eof-ignored"
    assert "closed only by exit" in run.err


def test_where_others_are_closed_a_late_close_may_still_be_slow(start):
    report = Report(bring_about(start, "late_where_others_are_closed",
                                slow_close="120ms").err)
    assert report.leaks == 0
    assert "late_where_others_are_closed" in report.group("slow-close").text, report.text


@pytest.mark.parametrize("case, words, other", [
    ("swept_up_with_the_living", "close() came only with the exit", "never came"),
    ("swept_up_unread", "closed only by exit", "never closed"),
    ("one_swept_up_and_one_kept", "close() came with the exit or never", "never came"),
    ("second_eof", "close() never came", "exit"),
])
def test_headline_is_true_of_how_it_ended(start, case, words, other):
    group = Report(bring_about(start, case).err).only()
    assert words in group.headline and other not in group.headline, group.text


def test_slow_close_dates_from_the_fin(start):
    report = Report(bring_about(start, "read_late_and_closed", slow_close="120ms").err)
    assert report.leaks == 0
    assert "read_late_and_closed" in report.group("slow-close").text, report.text


@pytest.mark.parametrize("case", ["old_and_closed_at_once", "idle_in_a_pool_and_closed",
                                  "answered_out_of_sight_and_closed"])
def test_no_slow_close(start, case):
    assert bring_about(start, case, slow_close="120ms").err == ""


@pytest.mark.parametrize("way", ["read", "write", "async"])
def test_connection_that_timed_out_is_told_by_the_call_that_learned_of_it(start, way):
    run = start([program("timed_out"), HOLD, way], grace=GRACE)
    if run.wait() == 77:
        pytest.skip("no network namespace can be had here")
    assert run.out == "Connection timed out\n"
    group = Report(run.err).only()
    assert (group.verdict, group.count) == ("reset-ignored", 1), run.err
    assert group.stack("reset"), run.err
