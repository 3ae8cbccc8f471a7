# SPDX-License-Identifier: MIT
"""The examples on socketserver, http.server and asyncio: the planted line is named, and of the repaired
twin there is nothing to say."""
import socket
import time

import pytest

from reports import Report
from traced import (DEADLINE, PYTHON, await_close_wait, example, pythons,
                    until_older_than)

GRACE = "100ms"
HELLO = b"GET / HTTP/1.0\r\n\r\n"  # each of them answers what ends so


def interpreter_name(path):
    return "python3" if path == PYTHON else path.split("/")[-3]


def runnable(python):
    reason = "the examples are in Python 3"
    skip = pytest.mark.skip(reason=reason) if "/2.7" in python else ()
    return pytest.param(python, id=interpreter_name(python), marks=skip)


every_python = pytest.mark.parametrize("python", [runnable(p) for p in pythons()])


def planted(name, text):
    """The place of the line of an example that ends so, as a report has it."""
    with open(example(name)) as f:
        line, = [n for n, line in enumerate(f, 1) if line.endswith(text + "\n")]
    return "%s:%d" % (name, line)


def visit(port):
    """A client that says something, is answered, and leaves."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as s:
        s.sendall(HELLO)
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):  # with something unread close() would reset
            got = s.recv(1024)
            assert got, answer
            answer += got


# Of each: the verdict; of which stack; which line in it, and in which function.
LEAKS = [
    ("pool_leak.py", "eof-ignored", "EOF read", "  # EOF is read here", "handle"),
    ("pool_leak.py", "eof-ignored", "EOF read", "  # an exception skips the next line", "serve"),
    ("http_leak.py", "eof-unread", "first write", "  # the first write", "do_GET"),
    ("asyncio_leak.py", "eof-ignored", "first write", "  # the first write", "serve"),
]


@pytest.mark.parametrize("name, verdict, label, text, function", LEAKS,
                         ids=["%s-%s" % (leak[0], leak[4]) for leak in LEAKS])
@every_python
def test_the_planted_line_is_named(start, need, python, name, verdict, label, text, function):
    need("ss")
    server = start([python, example(name), "0"], grace=GRACE)
    port = server.port()
    for _ in range(3):
        visit(port)
    await_close_wait(port, 3)
    until_older_than(time.monotonic(), 0.3)
    server.end()
    report = Report(server.err)
    group = report.only()
    assert (report.leaks, group.verdict, group.count) == (3, verdict, 3), report.text
    place = planted(name, text)
    frames = [frame.split(" in ") for frame in group.stacks[label]]
    assert any(frame[0] == place and frame[1].split(".")[-1] == function
               for frame in frames if len(frame) == 2), group.text
    assert "closed-by-gc" not in report.text


@pytest.mark.parametrize("name", ["pool_fixed.py", "http_fixed.py", "asyncio_fixed.py"])
@every_python
def test_of_the_repaired_twin_there_is_nothing_to_say(run, need, python, name):
    need("ss")
    server = run("--grace", GRACE, command=[python, example(name), "0"])
    port = server.port()
    for _ in range(3):
        visit(port)
    await_close_wait(port, 0)
    until_older_than(time.monotonic(), 0.3)
    server.end()
    assert "closewait: no leaks: " in server.err, server.err
    assert "FAULT" not in server.err, server.err
