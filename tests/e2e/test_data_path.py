# SPDX-License-Identifier: MIT
"""A call that moves data costs no system call more than without the library."""
import os
import re
import signal

import pytest

from test_real_servers import (Answers, Redis, accepts, children, free_port,  # noqa: F401
                               nginx, node, redis)
from traced import LIBRARY, until

N = 1500
# How often a server waits depends on when the next request comes; the library never does.
WAITING = {"epoll_wait", "epoll_pwait", "futex", "restart_syscall"}
# And so does how often it asks in vain.
READING = {"read", "recvfrom"}


def counts_of(path):
    """strace -c's table: {call: count}."""
    counts = {}
    with open(path) as f:
        for line in f:
            row = re.match(r" *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", line)
            if row and row.group(2) != "total":
                counts[row.group(2)] = int(row.group(1))
    assert counts, open(path).read()
    return counts


def under_strace(server_of, ask, end, tmp_path, preload, requests):
    """Runs a server under strace for a number of requests; returns its counts."""
    table = str(tmp_path / ("strace.%d.%d" % (preload, requests)))
    prefix = ["strace", "-f", "-c", "-o", table]
    if preload:
        prefix += ["-E", "LD_PRELOAD=" + LIBRARY,
                   "-E", "CLOSEWAIT_OPTIONS=dir=%s" % (tmp_path / "traces")]
    server, port = server_of(preload=False, prefix=prefix)
    ask(port, requests)
    child, = children(server.pid)
    os.kill(child, end)
    server.wait()
    assert "LEAK" not in server.err
    return counts_of(table)


def added(server_of, ask, end, tmp_path):
    """System calls a request, with the library minus without: {call: number}."""
    slope = {}
    for preload in (False, True):
        once = under_strace(server_of, ask, end, tmp_path, preload, N)
        twice = under_strace(server_of, ask, end, tmp_path, preload, 2 * N)
        for call in set(once) | set(twice):
            slope.setdefault(call, {})[preload] = (twice.get(call, 0) - once.get(call, 0)) / N
    return {call: rates.get(True, 0) - rates.get(False, 0) for call, rates in slope.items()}


def must_add_nothing(rates):
    """One call more on each request would be a rate of 1, on each call that moves data 2.
    What the first stacks cost differs from run to run, by some hundred calls in all."""
    for call, rate in rates.items():
        assert call in WAITING or rate < (0.5 if call in READING else 0.25), (
            call, {name: value for name, value in rates.items() if abs(value) > 0.02})


@pytest.fixture(autouse=True)
def strace_works(need):
    need("strace")


def ask_http(path):
    def ask(port, requests):
        answers = Answers(port, [("GET", path, None)]).keep_alive(requests)
        assert {status for status, _, _ in answers} == {200}
    return ask


def test_nginx_keep_alive(nginx, tmp_path):  # noqa: F811
    must_add_nothing(added(nginx, ask_http("/small.txt"), signal.SIGQUIT, tmp_path))


def test_redis_keep_alive(redis, tmp_path):  # noqa: F811
    def ask(port, requests):
        connection = Redis(port)
        for _ in range(requests):
            assert connection.ask(b"PING") == b"+PONG\r\n"
        connection.close()
    must_add_nothing(added(redis, ask, signal.SIGTERM, tmp_path))


def test_node_keep_alive(node, tmp_path):  # noqa: F811
    must_add_nothing(added(node, ask_http("/a"), signal.SIGTERM, tmp_path))
