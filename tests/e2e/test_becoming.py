# SPDX-License-Identifier: MIT
"""Programs that become others, start others, and confine themselves."""
import re

import pytest

from reports import HEAD, Report, named
from traced import program, traces, until

GRACE = "20ms"
BECOME = ["execve", "execv", "execvp", "execvpe", "execl", "execlp", "execle", "fexecve",
          "execveat", "raw-execve", "raw-execveat"]
START = ["posix_spawn", "posix_spawnp", "system", "popen", "vfork", "fork"]


def one_leak(text):
    report = Report(text)
    group = report.only()
    assert (report.leaks, group.verdict) == (1, "eof-ignored"), text
    assert named(group.stack("opened"), "pair_open", "leak", "main"), text
    assert "gone out of our sight" not in text
    assert "ended without a word" not in text
    return report


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "cloexec"])
@pytest.mark.parametrize("call", BECOME)
def test_leak_of_the_program_before_exec(run, call, keep):
    one = run("--grace", GRACE, command=[program("becomes"), call] + ["keep"] * keep)
    assert one.wait() == 0, one.err
    assert one.out == "healthy\n"
    report = one_leak(one.err)
    assert report.end.endswith("replaced by exec"), one.err
    held = "  in pid %d after exec, becomes healthy:\n  found open " % report.pid
    assert (held in report.only().text) == keep, one.err


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "cloexec"])
@pytest.mark.parametrize("call", START)
def test_leak_of_the_program_that_starts_another(run, call, keep):
    one = run("--grace", GRACE, command=[program("becomes"), call] + ["keep"] * keep)
    assert one.wait() == 0, one.err
    assert one.out == "healthy\n"
    report = one_leak(one.err)
    assert report.end.endswith("ended by exit(0)"), one.err
    # listener, client and server of each program, and what a child finds open
    opened = re.search(r"(\d+) sockets opened in (\d+) processes: 5 closed, 1 leaked",
                       report.text)
    assert opened, report.text


@pytest.mark.parametrize("way", ["none", "chroot", "setuid", "user", "net", "daemon", "double"])
def test_leak_in_a_child_of_a_confined_program(start, tmp_path, directory, read_report, way):
    jail = tmp_path / "jail"
    jail.mkdir(mode=0o755)
    one = start([program("confined"), 60, way, jail], grace=GRACE)
    if one.wait() == 77:
        pytest.skip("not allowed here: %s" % way)
    assert one.process.returncode == 0, one.err
    until(lambda: "done" in one.out, "the parent's end")
    until(lambda: HEAD.search(one.err), "the child's report")
    report = Report(one.err)
    group = report.only()
    assert (report.leaks, group.verdict) == (1, "eof-ignored"), one.err
    assert report.pid != one.pid
    assert one.err.count("closewait: ") == 1, one.err
    assert "nothing lost." in report.text, one.err
    after = read_report("--all", *traces(directory))
    assert after.leaks == 1, after.text
    assert named(after.only().stack("opened"), "pair_open", "leak", "main"), after.text
    assert "unknown" not in [g.verdict for g in after.groups], after.text
