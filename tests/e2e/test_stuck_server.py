# SPDX-License-Identifier: MIT
"""The server that accepts, reads once and never closes: each way of ending it."""
import os
import re
import signal
import time

import pytest

from reports import Report, duration, named
from traced import (PYTHON, await_close_wait, client, example, files_below, program, pythons,
                    traces, until_older_than)

GRACE = "100ms"


class Stuck:
    """The server with its client gone, and what the kernel says of their connection."""

    def __init__(self, start, python=PYTHON, script=None, **options):
        self.script = script or example("stuck_server.py")
        with open(self.script) as f:
            self.lines = f.read().splitlines()
        argv = [python, self.script]
        self.server = start(argv + ([] if script else ["0"]), grace=GRACE, **options)
        self.port = self.server.port()
        self.peer = client(self.port, b"Hello, server!")
        self.closed = time.monotonic()
        self.server.line("received 14 bytes")
        self.seen, = await_close_wait(self.port)
        until_older_than(self.closed, 0.3)

    def end(self, number):
        self.dwell = time.monotonic() - self.closed
        self.status = self.server.end(number)
        return Report(self.server.err)

    def must_be_told(self, report):
        """One leak, eof-unread: this connection, this long."""
        group = report.only()
        assert (report.leaks, report.places) == (1, 1), report.text
        assert report.pid == self.server.pid
        assert (group.verdict, group.count) == ("eof-unread", 1), report.text
        assert "accepted socket" in group.headline
        assert self.seen["peer"] == self.peer
        assert "127.0.0.1:%d <- %s" % (self.port, self.peer) in group.sockets[0]
        assert "in 14 B" in group.sockets[0] and "out 0 B" in group.sockets[0]
        told = duration(group.headline)
        assert told is not None and 0.2 < told < self.dwell + 1, group.headline
        assert group.stack("opened") and group.stack("first read"), report.text
        self.must_name_lines(group)
        return group

    def must_end_in_its_loop(self, group):
        """`while True:` or `pass`: whichever the version's bytecode has the jump in."""
        told, = group.stacks["at the end"]
        found = re.search(r"^stuck_server\.py:(\d+) in <module> +thread MainThread$", told)
        loop = self.lines.index("while True:") + 1
        assert found and int(found.group(1)) in (loop, loop + 1), group.text
        lines = group.text.splitlines()
        fin = next(i for i, line in enumerate(lines) if line.startswith("  peer FIN"))
        assert lines[fin + 1].startswith("  at the end"), group.text

    def must_name_lines(self, group):
        """Of the script: accept and recv, whatever interprets it."""
        for label, call in (("opened", ".accept()"), ("first read", ".recv(")):
            name, line = group.stack(label)[0].split(":")
            assert name == os.path.basename(self.script), group.text
            assert call in self.lines[int(line) - 1], group.text
            assert "+0x" not in "".join(group.stacks[label]), group.text
            if label in group.sources:
                assert group.sources[label] == (int(line), self.lines[int(line) - 1].strip())


def interpreter_name(path):
    return "python3" if path == PYTHON else path.split("/")[-3]


@pytest.mark.parametrize("python", pythons(), ids=interpreter_name)
def test_ended_by_sigterm(start, need, python):
    need("ss")
    stuck = Stuck(start, python)
    report = stuck.end(signal.SIGTERM)
    assert stuck.status == -signal.SIGTERM
    group = stuck.must_be_told(report)
    assert "ended by SIGTERM" in report.end
    assert "stuck_server.py" in report.command
    assert "CLOSE_WAIT" in group.sockets[0]
    assert "unread 0 B" in group.sockets[0]
    assert "peer FIN" in group.text
    assert "1 leaked" in report.text and "1 listening" in report.text
    stuck.must_end_in_its_loop(group)


@pytest.mark.parametrize("python", pythons(), ids=interpreter_name)
def test_the_trace_tells_where_sigterm_found_it(start, need, directory, read_report, python):
    need("ss")
    stuck = Stuck(start, python)
    stuck.end(signal.SIGTERM)
    group = stuck.must_be_told(read_report(*traces(directory)))
    stuck.must_end_in_its_loop(group)
    line, source = group.sources["at the end"]
    assert source == stuck.lines[line - 1].strip() and source in ("while True:", "pass")


def test_is_the_socket_that_ss_shows(start, need):
    need("ss")
    stuck = Stuck(start)
    group = stuck.must_be_told(stuck.end(signal.SIGTERM))
    assert "ino %s  sk %s " % (stuck.seen["ino"], stuck.seen["sk"]) in group.sockets[0]
    assert stuck.seen["local"] == "127.0.0.1:%d" % stuck.port


@pytest.mark.parametrize("python", pythons(), ids=interpreter_name)
def test_the_command_shows_the_line_and_on_request_the_interpreter(start, need, python,
                                                                   read_report):
    need("ss")
    stuck = Stuck(start, python)
    stuck.dwell = time.monotonic() - stuck.closed + 10
    group = stuck.must_be_told(read_report(stuck.server.pid))
    assert set(group.sources) == {"opened", "first read"}, group.text
    for option in ("--native", "--all"):
        more = read_report(option, stuck.server.pid).only()
        assert more.fingerprint == group.fingerprint
        for label in ("opened", "first read"):
            frames = "\n".join(more.stacks[label])
            assert re.search(r"^stuck_server\.py:\d+ in <module>", frames, re.M), frames
            assert "PyEval_Eval" in frames and "libclosewait" not in frames, frames
    stuck.end(signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1,
                                    signal.SIGALRM, signal.SIGABRT],
                         ids=lambda number: number.name)
def test_ended_by_another_default_signal(start, need, number):
    need("ss")
    stuck = Stuck(start)
    report = stuck.end(number)
    assert stuck.status == -number
    stuck.must_be_told(report)
    assert "ended by " + number.name in report.end


def loop_line(text):
    """The interrupt comes in one of the two lines of the loop: both become one."""
    return re.sub(r"line (19|20), in <module>\n    (while True:|pass)", "the loop", text)


@pytest.mark.parametrize("python", pythons(), ids=interpreter_name)
def test_ended_by_sigint_is_a_keyboard_interrupt_and_the_same_finding(start, need, python):
    need("ss")
    native = Stuck(start, python, preload=False)
    native.end(signal.SIGINT)
    stuck = Stuck(start, python)
    report = stuck.end(signal.SIGINT)
    assert stuck.status == native.status
    traceback = loop_line(native.server.err)
    assert "KeyboardInterrupt" in traceback
    assert loop_line(stuck.server.err).startswith(traceback)
    group = stuck.must_be_told(report)
    assert "closed only by exit" in group.text


def test_catching_the_interrupt_changes_nothing(start, need):
    need("ss")
    stuck = Stuck(start, script=program("stuck_catches_interrupt.py"))
    report = stuck.end(signal.SIGINT)
    assert stuck.status == 0
    assert stuck.server.out.endswith("interrupted\n")
    assert "closed only by exit" in stuck.must_be_told(report).text


def test_exit_in_a_sigterm_handler_changes_nothing(start, need):
    need("ss")
    stuck = Stuck(start, script=program("stuck_sigterm_exits.py"))
    report = stuck.end(signal.SIGTERM)
    assert stuck.status == 0
    assert "closed only by exit" in stuck.must_be_told(report).text


def test_killed_is_unknown_with_its_stacks(start, need, directory, read_report):
    need("ss")
    stuck = Stuck(start)
    stuck.end(signal.SIGKILL)
    assert stuck.status == -signal.SIGKILL
    assert stuck.server.err == ""
    trace, = traces(directory)
    for argument in (trace, directory):
        report = read_report(argument)
        group = report.group("unknown")
        assert stuck.peer in group.text
        stuck.must_name_lines(group)
        assert report.leaks == 0, report.text


def test_killed_after_reading_eof_is_complete(start, need, directory, read_report):
    need("ss")
    server = start([example("eof_ignored"), 0, 8], grace=GRACE)
    port = server.port()
    peers = [client(port, b"half") if i % 2 else client(port, b"all\n", 3) for i in range(8)]
    server.line("served 8")
    moment = time.monotonic()
    await_close_wait(port, 4)
    until_older_than(moment, 0.3)
    assert server.end(signal.SIGKILL) == -signal.SIGKILL
    report = read_report(*traces(directory))
    group = report.only()
    assert (group.verdict, group.count) == ("eof-ignored", 4), report.text
    assert named(group.stack("EOF read"), "read_request", "serve_conn", "main")
    assert named(group.stack("opened"), "accept_conn", "main")
    assert any(peer in group.text for peer in peers[1::2])
    assert not any(peer + " " in group.text for peer in peers[0::2])
    assert "4 were closed" in group.text and "conn_close" in group.text


def test_report_of_the_living_process(start, need, read_report, closewait):
    need("ss")
    stuck = Stuck(start)
    stuck.dwell = time.monotonic() - stuck.closed + 10
    before = open("/proc/%d/status" % stuck.server.pid).read()
    report = read_report(stuck.server.pid)
    group = stuck.must_be_told(report)
    assert "running" in report.end
    assert "CLOSE_WAIT" in group.sockets[0]
    after = open("/proc/%d/status" % stuck.server.pid).read()
    assert stuck.server.alive()
    assert "TracerPid:\t0\n" in after
    threads = [line for line in before.splitlines() if line.startswith(("Threads", "FDSize"))]
    assert all(line in after for line in threads)
    stuck.must_be_told(stuck.end(signal.SIGTERM))
    assert stuck.status == -signal.SIGTERM


def test_the_command_names_lines_of_c(start, need, directory, read_report):
    need("ss")
    server = start([example("eof_ignored"), 0, 1], grace=GRACE)
    client(server.port(), b"half")
    server.line("served 1")
    until_older_than(time.monotonic(), 0.3)
    server.end()
    group = read_report(*traces(directory)).only()
    source = open(example("eof_ignored.c")).read().splitlines()
    for frame in group.stacks["EOF read"]:
        if frame.startswith(("read_request", "serve_conn")):
            name, line = frame.split()[1].split(":")
            assert name == "eof_ignored.c"
            assert "read_request" in source[int(line) - 1] or "recv" in "".join(
                source[int(line) - 2:int(line) + 1])
            break
    else:
        raise AssertionError(group.text)


@pytest.mark.parametrize("script", ["fixed_with.py", "fixed_finally.py"])
@pytest.mark.parametrize("ending", ["normally", "by SIGTERM"])
def test_repaired_server_leaves_no_word_and_no_file(start, directory, script, ending):
    served = 5
    server = start([PYTHON, example(script), 0] + ([served] if ending == "normally" else []),
                   grace="100ms")
    port = server.port()
    for i in range(served):
        client(port, b"Hello, server!", 14)
    server.line("served %d" % served)
    if ending == "normally":
        assert server.wait() == 0
    else:
        assert server.end() == -signal.SIGTERM
    assert server.err == ""
    assert files_below(directory) == []


def test_has_a_trace_of_its_own_while_it_lives(start, need, directory):
    need("ss")
    stuck = Stuck(start)
    trace, = traces(directory)
    mode = os.stat(trace).st_mode & 0o777, os.stat(os.path.dirname(trace)).st_mode & 0o777
    assert mode == (0o600, 0o700)
    assert os.path.basename(os.path.dirname(trace)).startswith("%d-" % stuck.server.pid)
