# SPDX-License-Identifier: MIT
"""A stack that is recognised is the one that unwinding it in full would give.

With unwind=audit every stack that is recognised is unwound as well, and the two compared; and every
unwound one with libunwind's.
"""
import os
import signal
import socket
import subprocess

import pytest

from test_real_servers import (NGINX_REQUESTS, NODE_REQUESTS, Answers, Redis,  # noqa: F401
                               nginx, node, redis)
from reports import Report, named
from traced import DEADLINE, PYTHON, program, traces

AUDIT = {"unwind": "audit", "keep": "always", "grace": "10m"}
CONNECTIONS = 300


@pytest.fixture
def audited(directory):
    """audited(least) reads the counters and checks them; returns them."""
    def check(least=300):
        found = traces(directory)
        assert found
        out = subprocess.check_output([program("counters")] + found, universal_newlines=True)
        counters = {name: int(value) for name, value in map(str.split, out.splitlines())}
        assert counters["audit_differences"] == 0, out
        assert counters["audited"] > least, out
        return counters
    return check


def test_nginx(nginx, audited):  # noqa: F811
    server, port = nginx(**AUDIT)
    asked = Answers(port, NGINX_REQUESTS)
    asked.keep_alive(CONNECTIONS)
    asked.one_connection_each(CONNECTIONS)
    assert server.end(signal.SIGQUIT) == 0
    audited()


def test_redis(redis, audited):  # noqa: F811
    server, port = redis(**AUDIT)
    for i in range(CONNECTIONS):
        connection = Redis(port)
        assert connection.ask(b"SET", b"key", b"v%d" % i) == b"+OK\r\n"
        assert connection.ask(b"GET", b"key") == b"$%d\r\nv%d\r\n" % (len(b"v%d" % i), i)
        connection.close()
    assert server.end() == 0
    audited()


def test_node(node, audited):  # noqa: F811
    server, port = node(**AUDIT)
    Answers(port, NODE_REQUESTS).one_connection_each(CONNECTIONS)
    assert server.end() == -signal.SIGTERM
    audited()


def ask_in_turn(port, count):
    for i in range(count):
        with socket.create_connection(("127.0.0.1", port), DEADLINE) as s:
            s.sendall(b"1 2 3\n" if i % 4 else b"no number\n")
            assert s.makefile("rb").readline() == (b"6\n" if i % 4 else b"no\n")


def test_threaded_cpython(start, audited):
    server = start([PYTHON, program("threaded_server.py")], stdin=subprocess.PIPE, **AUDIT)
    ask_in_turn(server.port(), CONNECTIONS)
    server.process.stdin.close()
    assert server.wait() == 0, server.err
    audited()


@pytest.mark.parametrize("argv, told", [
    (["cpp_server", 300], "answered 300 refused 600 content 900\n"),
    (["coroutines", 60], "served 720\n"),
    (["alloca_depths", 1, 3000], None),
    (["alloca_depths", 2, 3000], None),
    (["signal_altstack", 2000], "did 4000, interrupted: yes\n"),
], ids=lambda value: value and "-".join(map(str, value)) if isinstance(value, list) else "")
def test_program(start, audited, argv, told):
    path = program(argv[0])
    if not os.path.exists(path):
        pytest.skip("the build had no C++ compiler")
    run = start([path] + argv[1:], **AUDIT)
    assert run.wait() == 0, run.err
    assert run.out == told or not told
    counters = audited()
    assert counters["opened"] == counters["closed"], counters


@pytest.mark.parametrize("kind", ["handler", "coroutine", "thread"])
def test_stack_in_a_variable(start, kind):
    run = start([program("static_stacks"), 60, kind], grace="20ms")
    assert run.wait() == 0, run.err
    group = Report(run.err).only()
    assert group.count == 3, run.err
    for label in "opened", "EOF read":
        assert named(group.stack(label), "read_eof", "without_care"), run.err


@pytest.mark.parametrize("way, function", [("generated", "call_generated"),
                                           ("restorer", "interrupted")])
def test_stack_through_code_without_unwind_information(start, way, function):
    """What lies beyond it is not libunwind's to judge."""
    run = start([program("no_unwind_info"), 60, way], grace="20ms", unwind="audit")
    if run.wait() == 77:
        pytest.skip("the kernel's own is all that handlers return to here")
    assert run.process.returncode == 0, run.err
    group = Report(run.err).only()
    for label in "opened", "EOF read":
        assert named(group.stack(label), "leak", function, "main"), run.err
    assert "different" not in run.err, run.err


def test_word_beside_a_register_is_no_return_address(start):
    """What its function keeps in the frame pointer's register leads to data: nobody called from there."""
    run = start([program("no_unwind_info"), 60, "general"], grace="20ms", unwind="audit")
    if run.wait() == 77:
        pytest.skip("of x86_64")
    assert run.process.returncode == 0, run.err
    group = Report(run.err).only()
    assert named(group.stack("opened"), "leak", "general"), run.err
    assert [frame.strip() for frame in group.stacks["opened"][2:]] == ["(not followed further)"]
    assert "different" not in run.err, run.err


def test_interrupted_instruction_is_no_return_address(start):
    run = start([program("trapped"), 60], grace="20ms")
    assert run.wait() == 0, run.err
    group = Report(run.err).only()
    assert named(group.stack("opened"), "leak", "handler", "trapped", "main"), run.err
    assert "before_it" not in run.err


def test_threads_that_live_for_one_connection_are_audited(start, audited):
    """One in a thousand of the process's captures, however few each thread makes."""
    run = start([program("many_threads"), 2000], keep="always", unwind="known")
    assert run.wait() == 0, run.err
    audited(least=2)


def test_children_know_what_earlier_ones_have_learned(start, audited):
    """Each child makes the same connection, at stacks that its parent never stood at."""
    run = start([program("forks_many"), 100, "leaking"], **AUDIT)
    assert run.wait() == 0, run.err
    counters = audited()
    # Each unwound stack is compared with libunwind's, and a recognised one with that, too.
    recognised = counters["audited"] - counters["unwound"]
    assert counters["unwound"] - recognised < 100, counters


def test_another_library_at_the_same_addresses(start):
    run = start([program("swap_host"), 60, program("swapped_first") + ".so",
                 program("swapped_other") + ".so"], grace="20ms")
    assert run.wait() == 0, run.err
    assert run.out == "the other took its place\n"
    counts = {group.stack("opened")[0].split("+")[0]: group.count for group in Report(run.err).groups}
    assert counts == {"open_in_the_first": 2, "open_in_the_other": 3}, run.err


@pytest.mark.parametrize("round", range(10))
def test_handlers_on_another_stack_do_no_harm(start, round):
    """What was recognised in one thread is looked for in others, at other addresses."""
    run = start([program("signal_altstack"), 2000], grace="10m")
    assert run.wait() == 0, run.err
    assert run.out == "did 4000, interrupted: yes\n"
