# SPDX-License-Identifier: MIT
"""Interpreters that are not just CPython in its main thread: right, or refused."""
import glob
import json
import os
import re
import subprocess

import pytest

from reports import Report
from traced import PYTHON, await_close_wait, client, example, program, pythons, until


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


LEAKS = """
import socket, time

def serves():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    peer = socket.create_connection(listener.getsockname())
    conn, _ = listener.accept()
    peer.close()
    conn.recv(1)
    kept.append(conn)

try:
    kept
except NameError:
    kept = []
"""
# Lines of it, and of what is written behind it.
ACCEPT, READ = [LEAKS.split("\n").index(line) + 1
                for line in ("    conn, _ = listener.accept()", "    conn.recv(1)")]
TEXT = LEAKS.count("\n") + 1
END = "\ntime.sleep(0.02)\nfor conn in kept: conn.detach()\n"


def library_of(python):
    """The libpython that an interpreter belongs to, and their prefix."""
    prefix = os.path.dirname(os.path.dirname(python))
    found = sorted(glob.glob(os.path.join(prefix, "lib", "libpython?.*.so.1.0")) +
                   glob.glob(os.path.join(prefix, "lib", "*-linux-gnu", "libpython3.*.so.1.0")))
    if not found:
        pytest.skip("no libpython beside " + python)
    return found[0], prefix


@pytest.fixture
def script(tmp_path):
    """script(name, text) writes one that leaks as `text` says."""
    def write(name, text):
        path = tmp_path / name
        path.write_text(LEAKS + text + END)
        return str(path)
    return write


def test_a_library_that_keeps_its_symbols_to_itself(start, script):
    """Extension modules of pyenv's find no symbols then; Debian's has what a socket needs built in."""
    library, prefix = library_of(PYTHON)
    server = start([program("embeds_python"), library, script("one.py", "serves()"), prefix,
                    "local"], grace="1ms")
    assert server.wait() == 0, server.err
    groups = [g for g in Report(server.err).groups if g.stacks["EOF read"][0] == "<string>:%d in serves" % READ]
    assert [g.count for g in groups] == [1], server.err
    assert groups[0].stacks["opened"][:2] == ["<string>:%d in serves" % ACCEPT,
                                              "<string>:%d in <module>" % TEXT], server.err


@pytest.mark.parametrize("python", [p for p in pythons() if version(p) >= (3, 0)],
                         ids=interpreter_name)
def test_a_second_interpreter_after_the_first_one_s_end(start, script, python):
    library, prefix = library_of(python)
    text = "def first(): serves()\nfirst()"
    server = start([program("embeds_python"), library, script("one.py", text), prefix, "again"],
                   grace="1ms")
    assert server.wait() == 0, server.err
    report = Report(server.err)
    assert report.leaks == 3, report.text
    both, = [g for g in report.groups if g.stacks["opened"][:3] == [
        "<string>:%d in serves" % ACCEPT, "<string>:%d in first" % TEXT,
        "<string>:%d in <module>" % (TEXT + 1)]]
    assert both.count == 2, report.text


@pytest.mark.parametrize("python", [p for p in pythons()[1:] if version(p) >= (3, 0)],
                         ids=interpreter_name)
def test_two_interpreters_in_one_process(start, script, python):
    """One within the other: what the inner one holds is not laid to the outer one's frames."""
    library, prefix = library_of(python)
    inner, inner_prefix = library_of(PYTHON)
    text = ("import ctypes\ndef before(): serves()\nbefore()\n"
            "def calls(): ctypes.CDLL(None).run_inner()\ncalls()\n"
            "def after(): serves()\nafter()\n")
    server = start([program("nests_python"), library, script("outer.py", text), prefix,
                    inner, script("inner.py", "def within(): serves()\nwithin()"),
                    inner_prefix], grace="1ms")
    assert server.wait() == 0, server.err
    report = Report(server.err)
    assert report.leaks == 3, report.text
    assert "Two Pythons in one process: frames not supported" in report.text
    python_stacks = [g.stacks["opened"] for g in report.groups
                     if g.stacks["opened"][0].startswith("<string>")]
    assert python_stacks == [["<string>:%d in serves" % ACCEPT,
                              "<string>:%d in before" % (TEXT + 1),
                              "<string>:%d in <module>" % (TEXT + 2)]], report.text


def test_a_static_interpreter_that_exports_nothing_stays_native(start, need, script, tmp_path):
    archives = glob.glob("/usr/lib/python3*/config-3*/libpython3.*.a")
    archives = [a for a in archives if not a.endswith("-pic.a")]
    if not archives:
        pytest.skip("no archive of libpython")
    need("gcc")
    binary = str(tmp_path / "static_python")
    source = os.path.join(os.path.dirname(program("python_churn.py")), "static_python.c")
    subprocess.run(["gcc", "-s", "-no-pie", "-o", binary, source, archives[0], "-lexpat", "-lz",
                    "-lm", "-ldl", "-lutil", "-lpthread"], check=True)
    server = start([binary, script("one.py", "serves()")], grace="1ms")
    assert server.wait() == 0, server.err
    report = Report(server.err)
    group = report.only()
    assert all(f.startswith("static_python+0x") for f in group.stacks["opened"][:3]), group.text
    assert "not supported" not in report.text


def test_greenlets_that_take_turns_in_recv(start, closewait, tmp_path):
    if subprocess.run([PYTHON, "-c", "import gevent"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("python3-gevent is not installed")
    server = start([PYTHON, program("python3/greenlets.py"), "20"], stdin=subprocess.PIPE,
                   grace="1ms")
    server.line("^ready$")
    told = truths(server.out)
    assert len(told) == 125
    captured = python_stacks(closewait, tmp_path, server.pid, "eof")
    # gevent's own recv() is around the system's.
    captured = [stack[1:] if "/gevent/" in stack[0][1] else stack for stack in captured]
    for shape in told:
        assert told[shape] in captured, (shape, told[shape], captured)
    assert {tuple(stack) for stack in captured} == {tuple(stack) for stack in told.values()}


def uwsgi_port(server):
    """uWSGI's log goes to stderr, which is the only one to tell the port."""
    pattern = r"bound to TCP address 127\.0\.0\.1:(\d+)"
    found = until(lambda: re.search(pattern, server.err) or not server.alive(), "uwsgi's port")
    assert found is not True, server.err
    if "Python version" not in until(lambda: "spawned uWSGI" in server.err and server.err,
                                     "uwsgi's worker"):
        pytest.skip("uwsgi-plugin-python3 is not installed")
    return int(found.group(1))


def line_of(path, text):
    with open(path) as f:
        return [i for i, line in enumerate(f, 1) if text in line][0]


@pytest.mark.parametrize("how", ["one app", "threads", "master", "two apps"])
def test_what_an_application_of_uwsgi_s_keeps(start, closewait, tmp_path, directory, need, how):
    """The plugin with the interpreter is loaded late; uWSGI accepts and reads requests in C."""
    app = program("python3/uwsgi_app.py")
    options = {"one app": ["--wsgi-file", app],
               "threads": ["--wsgi-file", app, "--threads", "2"],
               "master": ["--wsgi-file", app, "--master"],
               "two apps": ["--mount", "/a=" + app, "--mount", "/b=" + app]}[how]
    server = start([need("uwsgi"), "--plugin", "python3", "--http-socket", "127.0.0.1:0",
                    "--die-on-term", "--need-app"] + options, grace="1ms")
    port = uwsgi_port(server)
    answer = len("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\ndone")
    prefixes = ["/a/", "/b/"] if how == "two apps" else ["/"]
    for prefix in prefixes:
        client(port, b"GET %sconnects HTTP/1.0\r\n\r\n" % prefix.encode(), answer)
        client(port, b"GET %skeeps HTTP/1.0\r\n\r\n" % prefix.encode(), answer)
    await_close_wait(port, len(prefixes))
    where = [("application", app, line_of(app, "        connects()"))]
    reads = [("connects", app, line_of(app, "# reads the end"))] + where
    writes = [("application", app, line_of(app, "# writes"))]
    at_eof = [s for s in python_stacks(closewait, tmp_path, directory, "eof") if s]
    at_write = [s for s in python_stacks(closewait, tmp_path, directory, "first_write") if s]
    server.end()
    # The second one has a subinterpreter of its own: its frames are not to be had to Python 3.11.
    assert set(map(tuple, at_eof)) == {tuple(reads)}, server.err
    assert set(map(tuple, at_write)) == {tuple(writes)}, server.err
