# SPDX-License-Identifier: MIT
"""Servers in Node, on uvloop and in Java: the healthy ones get no finding, a leak is found."""
import signal
import socket
import time

import pytest

from reports import Report
from traced import DEADLINE, files_below, until, until_older_than

CONNECTIONS = 1000
AT_A_TIME = 20
GRACE = "300ms"  # a busy server may take a while to close
HOLD = 0.7  # s; longer than GRACE


def echoes(port, greeting, count):
    """So many connections, each of which gets its greeting back, closed all at once."""
    sockets = [socket.create_connection(("127.0.0.1", port), DEADLINE) for _ in range(count)]
    for s in sockets:
        s.sendall(greeting)
    for s in sockets:
        assert s.recv(len(greeting)) == greeting
        s.close()


# How each ends by SIGTERM: Java's machine turns it into exit(143).
ENDS = {"node": -signal.SIGTERM, "uvloop": -signal.SIGTERM, "java-selector": 143,
        "java-threads": 143}


@pytest.fixture
def serve(start, runtime):
    """serve(name, **options): a running server, and its port."""
    def run(name, **options):
        server = start(runtime(name), **options)
        until(lambda: server.out or not server.alive(), "the port")
        if not server.alive() and server.wait() == 77:
            pytest.skip(server.err.strip())
        return server, server.port()
    return run


@pytest.mark.parametrize("name", sorted(ENDS))
def test_leak_in_another_runtime(serve, name):
    """Three connections are kept among many that are not."""
    server, port = serve(name, grace=GRACE)
    for _ in range(CONNECTIONS // AT_A_TIME):
        echoes(port, b"hello", AT_A_TIME)
    echoes(port, b"keep this", 3)
    until_older_than(time.monotonic(), HOLD)
    echoes(port, b"hello", 1)
    assert server.end() == ENDS[name]
    report = Report(server.err)
    assert report.leaks == 3, server.err
    # A stack of Java's is another one after a function was compiled.
    assert {group.verdict for group in report.groups} == {"eof-ignored"}, server.err
    assert sum(group.count for group in report.groups) == 3, server.err
    assert "lost:" not in report.text, server.err
    assert "closewait" not in server.out


@pytest.mark.parametrize("name", sorted(ENDS))
def test_healthy_server_in_another_runtime(serve, directory, name):
    server, port = serve(name)  # with a grace that a busy machine does not use up
    for _ in range(CONNECTIONS // AT_A_TIME):
        echoes(port, b"hello", AT_A_TIME)
    assert server.end() == ENDS[name]
    assert server.err == ""
    assert files_below(directory) == []
