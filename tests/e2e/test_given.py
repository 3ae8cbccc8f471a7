# SPDX-License-Identifier: MIT
"""Programs that find their sockets open: from inetd, from systemd, from before exec."""
import json
import os
import signal
import socket
import subprocess
import time

import pytest

from reports import HEAD, Report, named
from traced import (COMMAND, DEADLINE, LIBRARY, default_signals, environment, files_below,
                    program, until, until_older_than)

GRACE = "20ms"


class Supervised:
    """A program that was started with sockets at numbers of the supervisor's choice."""

    def __init__(self, tmp_path, directory, argv, numbers, prefix=()):
        """numbers: {descriptor: socket}; standard error is a file, if it is not among them."""
        self.place = tmp_path / "given"
        self.place.mkdir()
        self.err_path = str(self.place / "stderr")
        env = environment(not prefix, {"grace": GRACE}, directory)
        if 3 in numbers:
            env["LISTEN_FDS"] = "1"
        kept = {number: s.fileno() for number, s in numbers.items()}

        def arrange():
            default_signals()
            copies = {number: os.dup(fd) for number, fd in kept.items()}
            safe = {number: os.dup2(copy, 100 + number) for number, copy in copies.items()}
            for number, copy in safe.items():
                os.dup2(copy, number)
            os.closerange(max(3, max(kept) + 1), 256)

        with open(self.err_path, "wb") as err:
            self.process = subprocess.Popen(
                list(prefix) + [program("given")] + argv, env=env, cwd=str(self.place),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err,
                close_fds=False, preexec_fn=arrange)

    @property
    def err(self):
        with open(self.err_path) as f:
            return f.read()

    def is_ready(self):
        return (self.place / "ready").exists()

    def end(self):
        until(self.is_ready, "the program to wait")
        until_older_than(time.monotonic(), 0.1)
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)


@pytest.fixture
def connection(request, tmp_path):
    """(client, accepted): of TCP, or of the family that the test asks for."""
    family = getattr(request, "param", "tcp")
    if family == "unix":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "socket"))
        listener.listen(1)
    else:
        listener = socket.create_server(("127.0.0.1", 0))
    with listener, socket.socket(listener.family) as client:
        client.settimeout(DEADLINE)
        client.connect(listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            yield client, accepted


@pytest.fixture
def supervise(tmp_path, directory):
    started = []

    def start(argv, numbers, prefix=()):
        started.append(Supervised(tmp_path, directory, argv, numbers, prefix))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()


def talk(connection):
    """The client sends a byte and leaves; returns all that it was sent."""
    client, accepted = connection
    accepted.close()
    client.sendall(b"?")
    client.shutdown(socket.SHUT_WR)
    got = b""
    while True:
        more = client.recv(100)
        if not more:
            return got
        got += more


@pytest.mark.parametrize("connection", ["tcp", "unix"], indirect=True)
@pytest.mark.parametrize("what, numbers", [("serve", (0, 1)), ("serve", (0, 1, 2)),
                                           ("serve3", (3,))])
@pytest.mark.parametrize("way", ["answer", "closes"])
def test_program_of_inetd_that_exits_is_no_finding(supervise, connection, directory, what,
                                                   numbers, way):
    one = supervise([what, way], {n: connection[1] for n in numbers})
    assert talk(connection) == b"?"
    assert one.process.wait(DEADLINE) == 0, one.err
    assert one.err == ""
    assert not os.path.exists(directory) or files_below(directory) == []


@pytest.mark.parametrize("connection", ["tcp", "unix"], indirect=True)
@pytest.mark.parametrize("what, numbers", [("serve", (0, 1)), ("serve", (0, 1, 2)),
                                           ("serve3", (3,))])
def test_program_of_inetd_that_reads_eof_and_hangs(supervise, connection, directory, what,
                                                   numbers):
    one = supervise([what, "hangs"], {n: connection[1] for n in numbers})
    client, accepted = connection
    accepted.close()
    client.sendall(b"?")
    assert client.recv(10) == b"?"
    client.close()
    assert one.end() == -signal.SIGTERM
    text = one.err
    if 2 in numbers:
        assert text == ""
        beside, = [p for p in files_below(directory) if p.endswith(".report.txt")]
        with open(beside) as f:
            text = f.read()
    report = Report(text)
    group = report.only()
    assert (report.leaks, report.pid) == (1, one.process.pid), text
    assert group.verdict == "eof-ignored"
    assert group.headline.startswith("1 already open socket: EOF was read"), text
    assert group.stacks["found open"] == ["when the program began"], text
    assert named(group.stack("EOF read"), "answer_all", "serve", "main"), text
    assert group.sockets[0].startswith("fd %d " % numbers[0]), text


def test_report_does_not_go_to_the_client_that_is_standard_error(supervise, connection):
    client, accepted = connection
    one = supervise(["serve", "hangs"], {0: accepted, 1: accepted, 2: accepted})
    accepted.close()
    client.sendall(b"?")
    client.shutdown(socket.SHUT_WR)
    assert client.recv(10) == b"?"
    assert one.end() == -signal.SIGTERM
    assert client.recv(10) == b""


@pytest.mark.parametrize("way", ["answer", "hangs"])
def test_listening_socket_of_systemd(supervise, way):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = supervise(["listen", way], {3: listener})
        with socket.create_connection(listener.getsockname(), DEADLINE) as client:
            client.sendall(b"?")
            assert client.recv(10) == b"?"
    if way == "answer":
        assert one.process.wait(DEADLINE) == 0
        assert one.err == ""
        return
    assert one.end() == -signal.SIGTERM
    report = Report(one.err)
    group = report.only()
    assert (report.leaks, group.verdict) == (1, "eof-ignored"), one.err
    assert group.headline.startswith("1 accepted socket: "), one.err
    assert named(group.stack("opened"), "serve_one", "main"), one.err
    assert "2 sockets opened: 0 closed, 1 leaked, 1 listening" in report.text, one.err


def test_connection_that_is_still_held_after_exec(run, tmp_path, schema):
    path = tmp_path / "report.json"
    one = run("--grace", GRACE, "--json", str(path), command=[program("given"), "exec"])
    place = os.path.dirname(one.out_path)
    until(lambda: os.path.exists(os.path.join(place, "ready")), "the second program")
    until_older_than(time.monotonic(), 0.1)
    one.end()
    report = Report(one.err)
    group = report.only()
    assert (report.leaks, group.verdict) == (1, "eof-unread"), report.text
    assert group.stacks["found open"] == ["when the program began"], report.text
    assert named(group.stack("opened"), "pair_open", "open_one", "become_other"), report.text
    assert "  in pid %d before exec" % report.pid in group.text, report.text
    document = json.loads(path.read_text())
    schema.validate(document)
    told, = document["groups"]
    assert [(s["event"], s["pid"], s["before_exec"]) for s in told["history"]] == [
        ("opened", report.pid, True), ("adopted", report.pid, False)]


def test_connection_that_exec_closes_is_not_held_by_the_next_program(run):
    one = run("--grace", GRACE, command=[program("given"), "exec", "CLOEXEC"])
    place = os.path.dirname(one.out_path)
    until(lambda: os.path.exists(os.path.join(place, "ready")), "the second program")
    until_older_than(time.monotonic(), 0.1)
    one.end()
    assert "no leaks" in one.err, one.err


def test_connection_that_a_spawned_child_was_left_with(run):
    one = run("--grace", GRACE, command=[program("given"), "spawn"])
    place = os.path.dirname(one.out_path)
    child = int(one.line(r"^spawned (\d+)$").group(1))
    until(lambda: os.path.exists(os.path.join(place, "ready")), "the child")
    until_older_than(time.monotonic(), 0.1)
    os.kill(child, signal.SIGTERM)
    assert one.wait() == 0
    report = Report(one.err)
    group = report.only()
    assert (report.leaks, report.pid, group.verdict) == (1, child, "eof-unread"), report.text
    assert group.stacks["found open"] == ["when the program began"], report.text
