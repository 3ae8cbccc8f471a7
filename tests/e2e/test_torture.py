# SPDX-License-Identifier: MIT
"""Forks, threads and SIGKILL at random: what can be read is what the processes counted."""
import json
import subprocess

import pytest

from traced import program, traces

LOST_PROCESSES = "lost_7"


def own_counts(path):
    """{pid: [(opened, closed, threads that were in the middle of something)]}: more than one, where
    the numbers have begun again."""
    counts = {}
    with open(path) as f:
        for line in f:
            pid, *row = map(int, line.split())
            counts.setdefault(pid, []).append(tuple(row))
    return counts


def kept_counts(path):
    """([(pid, (opened, closed, gone))], [how many ended, their opened, their closed])."""
    out = subprocess.check_output([program("counters"), "--each", path], encoding="ascii")
    rows = [line.split() for line in out.splitlines()]
    ended = [list(map(int, row[1:])) for row in rows if row[0] == "ended"]
    assert len(ended) == 1, out
    kept = [(int(row[0]), tuple(map(int, row[1:]))) for row in rows if row[0] != "ended"]
    return kept, ended[0]


def take_one_like(rows, kept):
    """Takes the process that this is a record of out of those that had its pid."""
    for own in rows:
        if not differs(own, kept):
            rows.remove(own)
            return True
    return False


def is_begun(path):
    """Not one that was left by who was killed as it made it."""
    with open(path, "rb") as f:
        return f.read(16) == b"closewait trace\n"


def sums(path):
    out = subprocess.check_output([program("counters"), path], encoding="ascii")
    return {word: int(number) for word, number in (line.split() for line in out.splitlines())}


def differs(own, kept):
    """One operation may be counted of each thread that was killed in it: two sockets, if it was
    socketpair()."""
    opened, closed, in_flight = own
    return not (opened <= kept[0] <= opened + 2 * in_flight and
                closed <= kept[1] <= closed + in_flight and kept[2] <= in_flight)


@pytest.mark.parametrize("seed", [1, 2])
def test_children_that_are_killed_at_random(start, directory, tmp_path, closewait, request, seed):
    duration = 30000 if request.config.getoption("--long") else 1000  # ms
    run = start([program("torture"), duration, seed, tmp_path / "own"], grace="10m",
                report="none", keep="always")
    run.process.wait(duration / 1000 + 60)
    assert (run.wait(), run.err) == (0, "")
    own = own_counts(tmp_path / "own")
    kept, ended, lost = [], [0, 0, 0], 0
    for trace in filter(is_begun, traces(directory)):
        here, ended_here = kept_counts(trace)
        kept += here
        ended = [a + b for a, b in zip(ended, ended_here)]
        lost += sums(trace)[LOST_PROCESSES]
        shown = closewait("report", "--json", "-", trace)
        assert shown.returncode == 0, shown.stderr
        assert "torn" not in shown.stderr and "damaged" not in shown.stderr, shown.stderr
        assert json.loads(shown.stdout)["summary"]["lost"].keys() <= {"processes"}
    # A child that was killed before it could count has opened nothing.
    wrong = [(pid, counts, own.get(pid)) for pid, counts in kept
             if not take_one_like(own.get(pid, []), counts) and (pid in own or counts[0] > 0)]
    assert wrong == []
    assert len(kept) > 20 and run.pid in dict(kept)
    rest = [row for rows in own.values() for row in rows]
    # Who was killed in the middle of giving up another's books may not have counted that; and who
    # opened nothing, and was forked before there was a trace, is in none.
    killed = int(run.out.split()[3])
    assert len([row for row in rest if row[0]]) <= ended[0] + lost + killed / 100
    if not lost:
        assert sum(row[0] for row in rest) <= ended[1]
        assert ended[1] <= sum(row[0] + 2 * row[2] for row in rest)
