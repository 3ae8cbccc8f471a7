# SPDX-License-Identifier: MIT
"""Forked workers keep books of their own; a vfork child touches nobody's."""
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from reports import HEAD, Report, named
from traced import (DEADLINE, LIBRARY, PYTHON, await_close_wait, client, closewait_lines,
                    files_below, program, pythons, traces, until, until_older_than)


def ask(port, request):
    """One connection to the prefork server: returns the pid that served it."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as s:
        s.sendall(request)
        return int(s.makefile().readline())


def ended(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def serve_until_both_worked(port, leaks):
    """Sends requests until each worker has served some and one has leaked `leaks`."""
    served, leaked = {}, {}
    for i in range(2000):
        held = max(leaked.values()) if leaked else 0
        if held >= leaks and len(served) == 2:
            break
        wish = b"leak" if held < leaks and not leaked else b"close"
        pid = ask(port, wish)
        served[pid] = served.get(pid, 0) + 1
        if wish == b"leak":
            leaked[pid] = leaked.get(pid, 0) + 1
    assert len(served) == 2, "only one worker was ever given a connection"
    return served, leaked


def test_leak_in_one_worker_is_that_workers(start, need):
    need("ss")
    master = start([program("prefork"), 0], grace="20ms")
    port = master.port()
    served, leaked = serve_until_both_worked(port, 1)
    culprit, = leaked
    until(lambda: master.out.count("worker") == sum(served.values()), "every answer")
    await_close_wait(port, 1)
    until_older_than(time.monotonic(), 0.1)
    assert master.end() == 0
    heads = HEAD.findall(master.err)
    assert len(heads) == 1, master.err
    report = Report(master.err)
    assert report.pid == culprit
    assert report.only().count == 1 and report.only().verdict == "eof-ignored"
    assert named(report.only().stack("opened"), "worker_serve", "main"), report.text
    assert "ended by SIGTERM" in report.end


def test_workers_without_a_leak_leave_nothing(start, directory):
    master = start([program("prefork"), 0], grace="100ms")
    port = master.port()
    served, _ = serve_until_both_worked(port, 0)
    until(lambda: master.out.count("worker") == sum(served.values()), "every answer")
    assert master.end() == 0
    assert master.err == ""
    assert files_below(directory) == []


def test_forked_workers_share_one_file(start, directory, read_report):
    master = start([program("prefork"), 0], grace="20ms", keep="always")
    serve_until_both_worked(master.port(), 1)
    assert master.end() == 0
    assert len(traces(directory)) == 1


def test_killed_worker_and_living_master(start, directory, read_report):
    master = start([program("prefork"), 0], grace="20ms")
    port = master.port()
    served, leaked = serve_until_both_worked(port, 1)
    culprit, = leaked
    until(lambda: master.out.count("worker") == sum(served.values()), "every answer")
    until_older_than(time.monotonic(), 0.1)
    subprocess.check_call(["kill", "-9", str(culprit)])
    until(lambda: ended(culprit), "the worker's end")
    report = read_report(*traces(directory))
    assert "eof-ignored" in report.text, report.text
    assert str(culprit) in report.text, report.text
    assert master.end() == 0


@pytest.mark.parametrize("leaving", ["exec", "_exit"])
def test_vfork_child_does_not_touch_its_parents_books(start, leaving, directory):
    run = start([program("vfork_close"), 60, leaving], grace="20ms")
    assert run.wait() == 0, run.err
    report = Report(run.err)
    group = report.only()
    assert (report.leaks, group.verdict) == (1, "eof-ignored"), report.text
    assert report.pid == run.pid
    assert run.err.count("closewait: LEAK") == 1
    assert closewait_lines(run.err) == []
    assert "6 sockets opened: 1 closed, 1 leaked" in report.text, report.text
    assert len(traces(directory)) == 1


def interpreter_name(path):
    return "python3" if path == PYTHON else path.split("/")[-3]


@pytest.mark.parametrize("python", pythons(), ids=interpreter_name)
def test_children_of_subprocess_do_not_touch_the_servers_books(start, python):
    server = start([python, program("subprocess_server.py")], stdin=subprocess.PIPE,
                   grace="20ms")
    port = server.port()
    forgotten = client(port, b"forgotten")
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as used:
        used.sendall(b"used")
        assert used.recv(100) == b"used"
        server.line("served")
        until_older_than(time.monotonic(), 0.1)
        server.end(signal.SIGTERM)
    report = Report(server.err)
    group = report.only()
    assert (report.leaks, group.verdict) == (1, "eof-ignored"), report.text
    assert forgotten in group.text
    assert re.search(r"3 sockets opened: 0 closed, 1 leaked", report.text), report.text


LOST = re.compile(r"^lost: (\d+) (.*)$", re.M)


@pytest.mark.parametrize("count, kind", [(1200, "killed"), (1500, "forking"), (3000, "failing")])
def test_children_that_are_gone_take_no_room(start, count, kind):
    run = start([program("forks_many"), count, kind], grace="20ms")
    assert run.wait() == 0, run.err
    assert "%d failed" % (count if kind == "failing" else 0) in run.out
    report = Report(run.err)
    assert (report.leaks, report.pid) == (200, run.pid), report.text
    assert "603 sockets opened" in report.text
    assert "nothing lost" in report.text, report.text
    assert run.err.count("closewait: ") == 1, run.err


def test_findings_of_killed_children_go_last_and_are_counted(start, directory, read_report):
    run = start([program("forks_many"), 700, "leaking"], grace="20ms")
    assert run.wait() == 0, run.err
    report = Report(run.err)
    assert (report.leaks, report.pid) == (200, run.pid), report.text
    (given_up, words), = LOST.findall(report.text)
    assert "given up" in words, report.text
    # What was given up is not kept, and what is kept was not given up.
    after = read_report("--all", *traces(directory)).text
    kept = len(re.findall(r"^  pid \d+ .*SIGKILL.*: 1 leak$", after, re.M))
    assert kept > 100 and kept + int(given_up) == 700, after[-3000:]


def test_sites_of_a_process_stay_as_long_as_its_children(start):
    run = start([program("heirs")], grace="20ms")
    assert run.wait() == 0, run.err
    report = Report(run.err)
    assert report.leaks == 1 and report.pid != run.pid, run.err
    assert named(report.only().stack("opened"), "pair_open", "opened_by_the_child",
                 "main"), report.text


@pytest.mark.parametrize("way", ["exec", "_exit", "beside"])
def test_clone_child_does_not_touch_its_parents_books(start, way, directory):
    run = start([program("clone_vm"), way], grace="20ms")
    assert run.wait() == 0, run.err
    report = Report(run.err)
    assert (report.leaks, report.only().verdict) == (1, "eof-ignored"), report.text
    assert run.err.count("closewait: ") == 1, run.err
    assert "9 sockets opened: 1 closed, 1 leaked" in report.text, report.text
    assert "out of our sight" not in report.text
    assert len(traces(directory)) == 1


def test_clone_child_with_our_descriptors_closes_ours(start):
    run = start([program("clone_vm"), "files"], grace="20ms")
    assert run.wait() == 0, run.err
    report = Report(run.err)
    assert run.err.count("closewait: ") == 1, run.err
    assert report.only().verdict == "eof-ignored", report.text
    assert report.end.endswith("ended by exit(0)"), report.text
    assert "9 sockets opened: 3 closed, 1 leaked" in report.text, report.text
    assert "out of our sight" not in report.text


@pytest.mark.parametrize("name", [[], ["other"]])
def test_nothing_is_lost_between_us_and_a_clone_child_that_libc_takes_for_none(start, name):
    run = start([program("clone_busy"), 20000] + name, grace="20ms")
    assert run.wait() == 0, run.err
    report = Report(run.err)
    assert "80003 sockets opened: 80001 closed, 1 leaked" in report.text, report.text


def test_nothing_is_lost_between_us_and_a_thread_of_another_libc(start):
    run = start([program("second_libc"), program("second_libc_thread") + ".so", 20000],
                grace="20ms")
    assert run.wait() == 0, run.err
    report = Report(run.err)
    assert "80003 sockets opened: 80001 closed, 1 leaked" in report.text, report.text


@pytest.mark.parametrize("way", ["apart", "apart-raw", "apart-3"])
def test_child_with_our_descriptors_and_memory_of_its_own_is_told_of(start, way):
    run = start([program("clone_vm"), way], grace="20ms")
    assert run.wait() == 0, run.err
    assert run.err.startswith("closewait: a child shares the descriptors, but not the memory")
    report = Report(run.err)
    assert (report.leaks, report.only().verdict) == (1, "eof-ignored"), report.text
    assert "2 gone out of our sight" in report.text, report.text
    assert "note: closewait: a child shares the descriptors" in report.text, report.text


def listings(start, need, directory, children):
    """How often directories are read while so many children come and go."""
    run = start([need("strace"), "-f", "-qq", "-e", "trace=getdents64", "-o", "calls", "-E",
                 "LD_PRELOAD=" + LIBRARY, "-E", "CLOSEWAIT_OPTIONS=dir=" + directory,
                 program("forks_many"), children, "forking"], preload=False)
    assert run.wait() == 0, run.err
    with open(run.out_path.replace("stdout", "calls")) as f:
        return f.read().count("getdents64(")


def test_child_that_passes_through_lists_no_descriptors(start, need, directory):
    """It would take the kernel as long as the parent has descriptors."""
    few = listings(start, need, directory, 4)
    assert few == listings(start, need, directory, 8)


def test_children_that_exec_and_stay_take_no_room(start):
    run = start([program("spawns_many")], grace="20ms")
    assert run.wait() == 0, run.err
    report = Report(run.err)
    assert (report.leaks, report.pid) == (1, run.pid), report.text
    assert "nothing lost" in report.text, report.text
    assert run.err.count("closewait: ") == 1, run.err


# A parent that forgets what its children serve

def forgets(run, tmp_path, command):
    path = tmp_path / "report.json"
    one = run("--grace", "20ms", "--json", str(path), command=command)
    return one, path


@pytest.mark.parametrize("way", ["close", "exit", "grandchild"])
def test_parent_that_forgets_what_its_child_has_closed(run, tmp_path, schema, way):
    one, path = forgets(run, tmp_path, [program("fork_forgets"), way, 2])
    assert one.wait() == 0, one.err
    report = Report(one.err)
    group = report.only()
    assert (report.leaks, group.verdict) == (2, "eof-unread"), report.text
    assert "closed by a forked child, still held here" in group.headline, report.text
    assert named(group.stack("opened"), "pair_open", "handle", "main"), report.text
    closers = re.findall("^%s (\\d+)" % ("grandchild" if way == "grandchild" else "child"),
                         one.out, re.M)
    told = re.findall(r"  still held by pid (\d+) \(parent\), opened there; closed by pid (\d+)",
                      group.text)
    assert sorted(told) == sorted((str(report.pid), pid) for pid in closers), report.text
    assert "after fork()" in group.text
    document = json.loads(path.read_text())
    schema.validate(document)
    sockets = document["groups"][0]["sockets"]
    assert sorted(s["closed_by_child"] for s in sockets) == sorted(map(int, closers))


def test_children_that_close_what_they_do_not_need_have_served_nobody(run, tmp_path):
    one, path = forgets(run, tmp_path, [program("fork_forgets"), "never", 2])
    assert one.wait() == 0, one.err
    report = Report(one.err)
    assert (report.leaks, report.only().verdict) == (2, "eof-ignored"), report.text
    assert "still held" not in report.text and "child" not in report.only().headline
    sockets = json.loads(path.read_text())["groups"][0]["sockets"]
    assert [s["closed_by_child"] for s in sockets] == [None, None]


def test_parent_and_child_that_both_close(start):
    run = start([program("fork_forgets"), "fair", 2], grace="20ms")
    assert run.wait() == 0, run.err
    assert run.err == ""


def test_python_parent_that_forgets_what_its_child_has_closed(start):
    server = start([PYTHON, program("fork_forgets.py"), "0.1"], grace="20ms")
    client(server.port(), b"?", 1)
    child = server.line(r"^child (\d+)$").group(1)
    assert server.wait() == 0, server.err
    report = Report(server.err)
    group = report.only()
    assert (report.leaks, report.pid, group.verdict) == (1, server.pid, "eof-unread")
    assert re.match(r"fork_forgets.py:\d+ in handle", group.stacks["opened"][0]), report.text
    assert ("still held by pid %d (parent), opened there; closed by pid %s" %
            (server.pid, child)) in group.text, report.text


@pytest.mark.parametrize("threads, children", [(4, 60),
                                               pytest.param(6, 800, marks=pytest.mark.long)])
def test_forks_while_other_threads_are_in_our_hooks(start, threads, children):
    """No child hangs, and each has books of its own in which its one leak is."""
    run = start([program("fork_storm"), threads, children], grace="1s", report="report.%p")
    assert run.wait() == 0, run.err
    assert run.out.endswith("done\n")
    leaking = set(re.findall(r"^leaks (\d+)$", run.out, re.M))
    place = os.path.dirname(run.out_path)
    told = {name.split(".")[1]: os.path.join(place, name) for name in os.listdir(place)
            if name.startswith("report.")}
    assert set(told) == leaking
    for path in told.values():
        with open(path) as f:
            report = Report(f.read())
        assert (report.leaks, report.only().verdict) == (1, "eof-ignored"), report.text
        assert named(report.only().stack("opened"), "leak_in_child"), report.text
        assert "5 sockets opened: 4 closed, 1 leaked" in report.text, report.text
        assert "lost:" not in report.text, report.text
