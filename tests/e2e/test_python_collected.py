# SPDX-License-Identifier: MIT
"""Connections that no code closed: Python collected their objects. And that nothing else is taken for
such a close."""
import json
import re
import signal
import socket
import subprocess
import time

import pytest

from reports import Report
from traced import (PYTHON, await_close_wait, client, program, pythons, until_older_than)

SCRIPT = program("python_collected.py")
CASES = ["returns", "raises", "cycle", "collector_by_itself", "thread", "dropped_client",
         "transport", "transport_alone"]
THREES = [python for python in pythons() if "/2.7" not in python]


def interpreter_name(path):
    return "python3" if path == PYTHON else path.split("/")[-3]


every_python_3 = pytest.mark.parametrize("python", THREES, ids=interpreter_name)


def marked(mark, case):
    """The lines of the script that carry this mark."""
    with open(SCRIPT) as f:
        return {n for n, line in enumerate(f, 1) if "# %s: %s\n" % (mark, case) in line}


def line_of(stack):
    name, line = stack[0].split()[0].split(":")
    return name, int(line)


def must_be_told(report, case):
    fault = report.group("closed-by-gc")
    assert fault.count == 1, report.text
    assert report.head is None, report.text
    closed = line_of(fault.stacks["closed"])
    if case.startswith("transport"):
        opened = fault.stacks["opened"]
        if case == "transport":  # the other one's protocol has no method that it begins with
            assert opened[0].startswith("handler python_collected.py:"), report.text
            opened = opened[1:]
        assert "_accept_connection" in opened[0], report.text
        assert "main" in "".join(fault.stacks["closed"]) or "__del__" in "".join(
            fault.stacks["closed"]), report.text
    else:
        assert line_of(fault.stacks["opened"]) in {
            ("python_collected.py", n) for n in marked("opened", case)}
    if case == "thread":
        assert closed[0] == "threading.py", report.text
    elif not case.startswith("transport"):
        assert closed in {("python_collected.py", n) for n in marked("let go", case)}
    dwell = re.search(r"^  1 connection here(; dwell p50 within .* max .*)?$", fault.text, re.M)
    assert dwell, report.text
    assert bool(dwell.group(1)) == (case != "dropped_client"), report.text
    return fault


def begun(start, python, case, **options):
    if case == "transport" and "/3.13" in python:
        pytest.skip("asyncio's StreamWriter closes itself, in an ordinary turn of the loop")
    if case == "transport_alone" and "/3.6" not in python:
        pytest.skip("the socket is in a circle and collected before the transport's __del__")
    server = start([python, SCRIPT, case], stdin=subprocess.PIPE, grace="50ms", **options)
    server.line("^ready$")
    return server


@pytest.mark.parametrize("case", CASES)
@every_python_3
def test_told_after_kill_9(start, read_report, directory, python, case):
    server = begun(start, python, case)
    server.end(signal.SIGKILL)
    must_be_told(read_report(directory), case)


@pytest.mark.parametrize("case", CASES)
def test_told_by_the_process_itself(start, case):
    server = begun(start, PYTHON, case)
    server.process.stdin.close()
    assert server.wait() == 0
    must_be_told(Report(server.err), case)


def test_told_by_a_live_process(start, read_report):
    server = begun(start, PYTHON, "returns")
    must_be_told(read_report(server.pid), "returns")


def test_in_json(start, directory, closewait, schema, tmp_path):
    begun(start, PYTHON, "returns").end(signal.SIGKILL)
    path = tmp_path / "report.json"
    assert closewait("report", "--json", path, directory).returncode == 0
    document = json.loads(path.read_text())
    schema.validate(document)
    fault, = document["faults"]
    assert (fault["name"], fault["count"]) == ("closed-by-gc", 1)
    assert document["summary"]["closed-by-gc"] == 1
    assert fault["stacks"]["open"][0]["line"] in marked("opened", "returns")
    assert fault["stacks"]["close"][0]["line"] in marked("let go", "returns")
    assert 0 < fault["dwell_p50_ms"] <= fault["dwell_max_ms"] < 30000


@pytest.mark.parametrize("arguments, status", [
    ([], 0), (["--fail-on", "closed-by-gc"], 23), (["--fail-on", "leak"], 0),
    (["--fail-on", "closed-by-gc", "--suppressions", "RULES"], 0)])
def test_in_the_gate(start, directory, closewait, tmp_path, arguments, status):
    begun(start, PYTHON, "returns").end(signal.SIGKILL)
    rules = tmp_path / "rules"
    rules.write_text("closed-by-gc:returns\n")
    arguments = [str(rules) if a == "RULES" else a for a in arguments]
    done = closewait("report", "--exitcode", 23, *arguments, directory)
    assert done.returncode == status, done.stdout + done.stderr


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """The path of a key and a certificate, "" where openssl is missing."""
    place = tmp_path_factory.mktemp("tls")
    both = place / "both.pem"
    try:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-keyout", str(place / "key.pem"),
                        "-out", str(place / "cert.pem")], check=True, stderr=subprocess.PIPE)
    except FileNotFoundError:
        return ""
    both.write_text((place / "key.pem").read_text() + (place / "cert.pem").read_text())
    return str(both)


@every_python_3
def test_healthy_programs_have_none(start, certificate, python):
    healthy = start([python, program("python_closes_well.py"), certificate])
    assert healthy.wait() == 0, healthy.err
    assert healthy.out == "done\n"
    assert healthy.err == ""


@every_python_3
def test_an_http_server_that_is_interrupted(start, tmp_path, python):
    server = start([python, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"])
    port = int(server.line(r"port (\d+)").group(1))
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", port)) as whole:
            whole.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while whole.recv(4096):
                pass
    with socket.create_connection(("127.0.0.1", port)) as waiting:
        waiting.sendall(b"GET / HTTP/1.0\r\n")
        server.end(signal.SIGINT)
    assert server.process.returncode == 0, server.err
    assert "closewait" not in server.err, server.err


ASYNCIO_SERVER = """
import asyncio

async def serve(reader, writer):
    try:
        while True:
            data = await reader.read(100)
            if not data:
                break
            writer.write(data)
    finally:
        writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print("listening on %s:%d" % server.sockets[0].getsockname()[:2], flush=True)
    while True:
        await asyncio.sleep(0.01)

loop = asyncio.new_event_loop()
try:
    asyncio.run(main()) if hasattr(asyncio, "run") else loop.run_until_complete(main())
except KeyboardInterrupt:
    pass
"""


@every_python_3
def test_an_asyncio_server_that_is_interrupted(start, python):
    server = start([python, "-c", ASYNCIO_SERVER], grace="1ms")
    port = server.port()
    client(port, b"hello", 5)
    with socket.create_connection(("127.0.0.1", port)) as waiting:
        waiting.sendall(b"hello")
        assert waiting.recv(5) == b"hello"
        server.end(signal.SIGINT)
    assert "closewait" not in server.err, server.err


@every_python_3
def test_what_lives_when_the_program_ends_is_none(start, python):
    code = ("import socket, sys\n"
            "def ask():\n"
            "    s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
            "    s.sendall(b'hello')\n"
            "    s.recv(5)\n"
            "ask()\n")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        one = start([python, "-c", code, listener.getsockname()[1]], grace="1ms")
        conn, _ = listener.accept()
        with conn:
            conn.sendall(conn.recv(5))
            assert one.wait() == 0
    assert one.err == ""


@every_python_3
def test_a_leak_that_the_exit_closes_is_told_once(start, need, python):
    need("ss")
    server = start([python, program("stuck_in_main.py")], grace="100ms")
    port = server.port()
    client(port, b"Hello, server!")
    closed = time.monotonic()
    server.line("received 14 bytes")
    await_close_wait(port)
    until_older_than(closed, 0.3)
    assert server.end(signal.SIGINT) == 0
    report = Report(server.err)
    group = report.only()
    assert (report.leaks, group.verdict, group.count) == (1, "eof-unread", 1)
    assert "closed only by exit" in report.text or "only with the exit" in report.text
    assert "closed-by-gc" not in report.text, report.text


@pytest.mark.parametrize("python", [p for p in pythons() if "/2.7" in p],
                         ids=interpreter_name)
def test_python_2_has_none(start, python):
    """There close() itself lets go of what closes."""
    code = ("import socket\n"
            "l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(5)\n"
            "def serve():\n"
            "    s = socket.create_connection(l.getsockname()); c, _ = l.accept()\n"
            "    s.close(); c.recv(1)\n"
            "serve()\n")
    one = start([python, "-c", code], grace="1ms")
    assert one.wait() == 0
    assert "closed-by-gc" not in one.err, one.err
