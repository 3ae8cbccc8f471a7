# SPDX-License-Identifier: MIT
"""Interpreters that are not just CPython in its main thread: right, or refused."""
import json
import os
import subprocess

import pytest

from reports import Report, named
from traced import PYTHON, await_close_wait, client, example, program, pythons


def interpreter_name(path):
    return "python3" if path == PYTHON else path.split("/")[-3]


def version(path):
    done = subprocess.run([path, "-c", "import sys; print('%d %d' % sys.version_info[:2])"],
                          stdout=subprocess.PIPE, universal_newlines=True, check=True)
    return tuple(int(n) for n in done.stdout.split())


def python_stacks(closewait, tmp_path, subject, moment):
    """The Python frames at that moment of all sockets that were accepted: [(function, file, line)]."""
    path = str(tmp_path / "report.json")
    done = closewait("report", "--all", "--json", path, subject)
    assert done.returncode == 0, done.stderr
    with open(path) as f:
        groups = json.load(f)["groups"]
    return [[(f["function"].split(".")[-1], f["file"], f["line"])
             for f in group["stacks"][moment] if f["language"] == "python"]
            for group in groups if group["stacks"].get(moment)]


def truths(output):
    told = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return {truth["shape"]: [tuple(frame) for frame in truth["stack"]] for truth in told}


def test_pypy_is_refused_and_its_native_frames_are_shown(start, need):
    server = start([need("pypy3"), example("stuck_server.py"), "0"], grace="1ms")
    client(server.port(), b"Hello, server!")
    server.line("received 14 bytes")
    await_close_wait(server.port())
    server.end()
    report = Report(server.err)
    group = report.only()
    assert "PyPy: frames not supported" in report.text
    assert len(group.stacks["opened"]) > 5 and ".py:" not in group.text, group.text


def test_pypy_s_generated_code_does_no_harm(start, read_report, need):
    """Which has no unwind information."""
    server = start([need("pypy3"), program("python_churn.py"), "3000"], stdin=subprocess.PIPE,
                   grace="1ms")
    server.line("^ready")
    report = read_report(server.pid)
    assert report.leaks == 3000
    server.process.stdin.close()
    assert server.wait() == 0


# Before 3.8 no module makes subinterpreters.
@pytest.mark.parametrize("python", [p for p in pythons() if version(p) >= (3, 8)],
                         ids=interpreter_name)
@pytest.mark.parametrize("thread", ["main", "thread"])
@pytest.mark.parametrize("depth", [0, 3, 60])
def test_a_subinterpreter_s_socket_is_not_laid_to_the_main_interpreter(
        start, closewait, tmp_path, python, thread, depth):
    server = start([python, program("python3/subinterpreters.py"), thread, str(depth)],
                   stdin=subprocess.PIPE, grace="1ms")
    server.line("^ready$")
    told = truths(server.out)
    captured = python_stacks(closewait, tmp_path, server.pid, "eof")
    assert len(captured) == 2
    assert told["outer"] in captured
    captured.remove(told["outer"])
    assert captured == [told["inner"] if version(python) >= (3, 12) else []]
