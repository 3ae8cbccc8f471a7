# SPDX-License-Identifier: MIT
"""Stacks of Python, held against what the interpreter itself says of them."""
import glob
import json
import os
import signal
import subprocess
import time

import pytest

from reports import Report, named
from traced import (BUILD, LIBRARY, PYTHON, await_close_wait, client, example, program,
                    pythons)


def interpreter_name(path):
    return "python3" if path == PYTHON else path.split("/")[-3]


every_python = pytest.mark.parametrize("python", pythons(), ids=interpreter_name)


def stacks_at(report, moment):
    """Of all groups: Python frames as (function, file, line), innermost first."""
    return [[(f["function"], f["file"], f["line"]) for f in group["stacks"][moment] or []
             if f["language"] == "python"] for group in report["groups"]]


def shown(text):
    """As JSON reports have it: what is no UTF-8 becomes a question mark."""
    return "".join("?" if 0xdc80 <= ord(c) <= 0xdcff else c for c in text)


def expected(entry):
    return [(name, shown(file if file[0] in "/<" else os.path.join(entry["cwd"], file)), line)
            for name, file, line in entry["stack"]]


def json_report(closewait, tmp_path, *arguments):
    path = str(tmp_path / "report.json")
    done = closewait("report", "--json", path, *arguments)
    assert done.returncode == 0, done.stderr
    with open(path) as f:
        return json.load(f)


def held_against(report, output):
    """Every shape's stack was captured at EOF, name for name and line for line."""
    captured = stacks_at(report, "eof")
    truths = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    wrong = []
    for truth in truths:
        if expected(truth) not in captured:
            near = [s for s in captured if s and s[0] == expected(truth)[0]]
            wrong.append((truth["shape"], expected(truth), near))
    assert not wrong, wrong
    return len(truths)


@every_python
def test_every_shape_is_what_the_interpreter_says(start, closewait, tmp_path, python):
    place = tmp_path / "shapes"
    place.mkdir()
    server = start([python, program("python_shapes.py"), str(place)], stdin=subprocess.PIPE,
                   grace="1ms")
    server.line("^ready$")
    report = json_report(closewait, tmp_path, "--all", server.pid)
    assert held_against(report, server.out) >= (40 if "/2.7" not in python else 30)
    in_order(json_report(closewait, tmp_path, "--all", "--native", server.pid), server.out)
    server.process.stdin.close()
    assert server.wait() == 0


LOOPS = "_PyEval_EvalFrameDefault", "PyEval_EvalFrameEx"
DEEP = 60  # native frames: from about there on they are cut, and cannot be counted


def in_order(report, output):
    """With --native each evaluation loop is replaced by the Python frames that it runs."""
    stacks = [g["stacks"]["eof"] for g in report["groups"] if g["stacks"]["eof"]]
    ordered = 0
    for truth in [json.loads(line) for line in output.splitlines() if line.startswith("{")]:
        stack = [s for s in stacks if [(f["function"], f["file"], f["line"]) for f in s
                                       if f["language"] == "python"] == expected(truth)][0]
        loops = [f for f in stack if (f["function"] or "").startswith(LOOPS)]
        native = [f for f in stack if f["language"] == "native" and not f["inlined"]]
        assert not loops or len(native) > DEEP, (truth["shape"], stack)
        if loops:
            continue
        ordered += 1
        assert stack[0]["language"] == stack[-1]["language"] == "native", truth["shape"]
        if truth["shape"] == "sorted_key":
            # <lambda>, what calls it from C, sorted_key
            places = [i for i, f in enumerate(stack) if f["language"] == "python"]
            assert places[1] > places[0] + 1, stack
    assert ordered > 25


@every_python
def test_a_warm_constructor_has_one_frame(start, closewait, tmp_path, python):
    script = tmp_path / "warm.py"
    script.write_text("import socket, sys\n"
                      "class Reads(object):\n"
                      "    def __init__(self, s): self.got = s.recv(1)\n"
                      "a, b = socket.socketpair()\n"
                      "a.sendall(b'x' * 200)\n"
                      "a.close()\n"
                      "for _ in range(201): Reads(b)\n"
                      "print('ready')\n"
                      "sys.stdout.flush()\n"
                      "sys.stdin.read()\n")
    server = start([python, script], stdin=subprocess.PIPE, grace="1ms")
    server.line("^ready$")
    report = json_report(closewait, tmp_path, server.pid)
    (init, module), = [s for s in stacks_at(report, "eof") if s]
    assert init[0].split(".")[-1] == "__init__" and init[1:] == (str(script), 3)
    assert module == ("<module>", str(script), 7)


@every_python
def test_code_that_was_freed_lends_its_name_to_no_other(start, closewait, tmp_path, python):
    server = start([python, program("python_churn.py"), "400"], stdin=subprocess.PIPE,
                   grace="1ms")
    made = int(server.line(r"^ready, (\d+) addresses$").group(1))
    assert made < 300, "no address came again"
    truths = [json.loads(line) for line in server.out.splitlines() if line.startswith("[")]
    report = json_report(closewait, tmp_path, "--all", server.pid)
    counts = {}
    for group in report["groups"]:
        if group["verdict"] == "eof-ignored":
            frame = group["stacks"]["eof"][0]
            key = frame["function"], frame["file"], frame["line"]
            counts[key] = counts.get(key, 0) + group["count"]
    wanted = {}
    for truth in truths:
        wanted[tuple(truth)] = wanted.get(tuple(truth), 0) + 1
    assert counts == wanted


REPLACED = """\
import socket, sys

around = int(sys.argv[1])

def code_of(lines):
    text = ("def takes(count):\\n" + " count += 1\\n" * around + "\\n" * lines +
            " kept.append(listener.accept())\\n" + " count += 1\\n" * around)
    names = {"kept": kept, "listener": listener}
    exec(compile(text, "made.py", "exec"), names)
    return names["takes"]

kept, peers = [], []
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(50)
for _ in range(3):
    for lines in range(8):
        peers.append(socket.create_connection(listener.getsockname()))
        takes = code_of(lines)
        takes(0)
        takes.__globals__.clear()  # frees it, as soon as nothing has it
        del takes
del peers[:]
print("ready")
sys.stdout.flush()
sys.stdin.read()
"""


@every_python
@pytest.mark.parametrize("around", [40, 3000])
def test_a_line_more_amid_a_long_function_is_seen(start, closewait, tmp_path, python, around):
    """The function that was there before had the same name, size, first line and, mostly, address.
    The longer one's line table is of 12 KB, from 3.11 on of more than 50."""
    script = tmp_path / "replaced.py"
    script.write_text(REPLACED)
    server = start([python, str(script), str(around)], stdin=subprocess.PIPE, grace="1ms")
    server.line("^ready$")
    report = json_report(closewait, tmp_path, "--all", server.pid)
    counts = {}
    for group in report["groups"]:
        for frame in group["stacks"]["open"]:
            if group["verdict"] == "eof-unread" and frame["function"] == "takes":
                counts[frame["line"]] = counts.get(frame["line"], 0) + group["count"]
    assert counts == {around + 2 + lines: 3 for lines in range(8)}


SHORT = """\
import socket, sys

def made(file, text):
    names = {}
    exec(compile(text, file[:2] + file[2:], "exec"), names)  # nobody has asked for its hash
    return names

METHODS = "class Cl:\\n" + "".join("    def f%d(self, s):\\n        s.recv(1)\\n\\n" % i
                                 for i in range(40))
methods = made("methods", METHODS)["Cl"]()
handlers = [getattr(methods, "f%d" % i) for i in range(40)]
handlers += [made("ra.py", "def drain(s):\\n    s.recv(1)\\n")["drain"],
             made("rb.py", "def drain(s):\\n    #\\n    s.recv(1)\\n")["drain"]]
kept = []
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(50)
for handler in handlers:
    peer = socket.create_connection(listener.getsockname())
    kept.append(listener.accept()[0])
    peer.close()
    handler(kept[-1])
print("ready")
sys.stdout.flush()
sys.stdin.read()
"""


@every_python
def test_short_names_and_tables_are_not_taken_for_one_another(start, closewait, tmp_path,
                                                              python):
    """What differs in two names of a few bytes (f1, f2) differs in the lines, too (4, 7); what differs
    in two files' names (a, b) differs in their line tables (1, 2)."""
    script = tmp_path / "short.py"
    script.write_text(SHORT)
    server = start([python, str(script)], stdin=subprocess.PIPE, grace="1ms")
    server.line("^ready$")
    report = json_report(closewait, tmp_path, "--all", server.pid)
    seen = sorted((group["stacks"]["eof"][0]["file"].split("/")[-1],
                   group["stacks"]["eof"][0]["line"], group["count"])
                  for group in report["groups"] if group["verdict"] == "eof-ignored")
    assert seen == sorted([("methods", 3 * i + 3, 1) for i in range(40)] +
                          [("ra.py", 2, 1), ("rb.py", 3, 1)])


@every_python
def test_a_specialised_call_of_a_class_shows_no_frame_of_its_own(start, closewait, tmp_path,
                                                                 python):
    script = tmp_path / "inits.py"
    script.write_text("import socket, sys\n\n\nclass Reader(object):\n"
                      "    def __init__(self, conn):\n        conn.recv(1)\n\n\n"
                      "def main():\n    kept = []\n    for _ in range(200):\n"
                      "        pair = socket.socketpair()\n        pair[1].close()\n"
                      "        kept.append((pair[0], Reader(pair[0])))\n"
                      "    print('ready')\n    sys.stdout.flush()\n    sys.stdin.read()\n\n\n"
                      "main()\n")
    server = start([python, str(script)], stdin=subprocess.PIPE, grace="1ms")
    server.line("^ready$")
    report = json_report(closewait, tmp_path, server.pid)
    groups = [g for g in report["groups"] if g["leak"]]
    assert sum(g["count"] for g in groups) == 200
    for group in groups:
        frames = [f for f in group["stacks"]["eof"] if f["language"] == "python"]
        assert [f["line"] for f in frames] == [6, 14, 20]


@every_python
def test_ends_with_daemon_threads_in_recv(start, python):
    end_with_daemons(start, python, 50)


@pytest.mark.long
@every_python
def test_ends_with_daemon_threads_in_recv_often(start, python):
    end_with_daemons(start, python, 300)


def end_with_daemons(start, python, rounds):
    for _ in range(rounds // 10):
        several = [start([python, program("python_daemons.py")], grace="1ms", report="none")
                   for _ in range(10)]
        for one in several:
            assert one.wait() == 0, one.err
            assert "closewait" not in one.err


def library_of(python):
    """The libpython that a pyenv's interpreter links, and the prefix it belongs to."""
    prefix = os.path.dirname(os.path.dirname(python))
    found = sorted(glob.glob(os.path.join(prefix, "lib", "libpython?.*.so.1.0")))
    if not found:
        pytest.skip("no libpython beside " + python)
    return found[0], prefix


@pytest.mark.parametrize("python", pythons()[1:], ids=interpreter_name)
def test_an_interpreter_that_a_program_opens_late(start, tmp_path, python):
    library, prefix = library_of(python)
    script = tmp_path / "embedded.py"
    with open(example("stuck_server.py")) as f:
        script.write_text("import sys\nsys.argv = ['x', '0']\n" + f.read())
    server = start([program("embeds_python"), library, str(script), prefix, "global"],
                   grace="1ms")
    client(server.port(), b"Hello, server!")
    server.line("received 14 bytes")
    time.sleep(0.1)
    server.end()
    group = Report(server.err).only()
    assert group.stacks["opened"][0].startswith("<string>:13 in <module>"), group.text
    assert group.stacks["first read"][0].startswith("<string>:16 in <module>"), group.text


@pytest.mark.parametrize("python", pythons()[1:], ids=interpreter_name)
def test_an_interpreter_that_a_program_unloads(start, tmp_path, python):
    library, prefix = library_of(python)
    script = tmp_path / "embedded.py"
    script.write_text("import socket\na, b = socket.socketpair()\na.close()\n"
                      "assert not b.recv(1)\nb.close()\n")
    server = start([program("embeds_python"), library, str(script), prefix, "global"],
                   grace="1ms")
    assert server.wait() == 0, server.err
    assert server.out in ("unloaded\n", "stays\n")
    group = Report(server.err).only()
    assert named(group.stack("EOF read"), "main"), group.text


def test_a_program_that_is_no_python_pays_no_system_call(start, need, tmp_path):
    need("strace")
    log = str(tmp_path / "calls")
    for argv, expected in (([program("hello")], 0), ([PYTHON, "relative.py"], 1)):
        (tmp_path / "relative.py").write_text(
            "import socket\nexec(compile('socket.socketpair()', 'made.py', 'exec'))\n")
        server = start(["strace", "-f", "-o", log, "-e", "trace=readlinkat",
                        "env", "-C", str(tmp_path), "LD_PRELOAD=" + LIBRARY] + argv,
                       preload=False)
        server.wait()
        with open(log) as f:
            calls = [line for line in f if "/proc/self/cwd" in line]
        assert len(calls) == expected, calls


# In units of 16 bits from the start of struct python_offsets: all offsets that are used.
@every_python
@pytest.mark.parametrize("delta", [4, 8, pytest.param(1000, marks=pytest.mark.long)])
def test_a_wrong_table_of_offsets_is_refused(start, python, delta):
    spoilt = os.path.join(BUILD, "tests", "programs", "libclosewait_spoilt.so")
    for word in [0, 1, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]:
        server = start([python, example("stuck_server.py"), "0"], grace="1ms",
                       env={"LD_PRELOAD": spoilt,
                            "CLOSEWAIT_TEST_OFFSETS": "%d+%d" % (word, delta)})
        client(server.port(), b"Hello, server!")
        server.line("received 14 bytes")
        await_close_wait(server.port())
        assert server.end() == -signal.SIGTERM, (word, server.err)
        group = Report(server.err).only()
        opened = group.stacks["opened"][0]
        # On words that this version has no use for nothing depends.
        if opened.startswith("stuck_server.py"):
            assert opened.startswith("stuck_server.py:11 in <module>"), (word, group.text)
            assert "<shim>" not in group.text, (word, group.text)
        else:
            assert ".py:" not in group.text, (word, group.text)


@pytest.mark.parametrize("version, told", [
    ("3.15.0 (main)", "Python 3.15: frames not supported"),
    ("3.13.0rc1 (main)", "Python 3.13: frames not supported"),
    ("3.13.1 experimental free-threading build (main)", "Python 3.13: frames not supported"),
    ("3.14.0 (main)", "Python 3.14: frames not supported"),
    ("3.11.2 (main)", "Python 3.11: frames not supported"),
    ("nonsense", "frames not supported"),
])
def test_an_interpreter_that_is_not_known_is_refused_with_a_note(start, version, told):
    server = start([program("fake_python"), version], grace="1ms")
    assert server.wait() == 0
    report = Report(server.err)
    assert report.only().verdict == "eof-ignored"
    assert told in report.text and not report.text.startswith("closewait: Python"), report.text


@pytest.mark.parametrize("version", ["3.13", "3.14"])
def test_the_layout_that_an_interpreter_publishes_is_followed(start, version):
    """There is no 3.14 to try it on."""
    server = start([program("fake_python"), version + ".0 (main)", version], grace="1ms")
    assert server.wait() == 0
    report = Report(server.err)
    assert report.only().stacks["opened"] == ["fake.py:14 in inner", "fake.py:24 in outer"]
    assert "not supported" not in report.text


@pytest.mark.parametrize("version, layout, spoilt", [
    ("3.13.0 (main)", "3.14", ""),
    ("3.14.0 (main)", "3.13", ""),
    ("3.15.0 (main)", "3.14", ""),
    ("3.14.0 (main)", "3.14", "cookie"),
    ("3.14.0 (main)", "3.14", "free-threaded"),
    ("3.14.0 free-threading build (main)", "3.14", ""),
    ("3.14.0 (main)", "3.14", "file"),
    ("3.14.0 (main)", "3.14", "previous"),
    ("3.14.0 (main)", "3.14", "owner"),
])
def test_a_layout_that_is_not_the_version_s_is_refused(start, version, layout, spoilt):
    server = start([program("fake_python"), version, layout, spoilt], grace="1ms")
    assert server.wait() == 0
    report = Report(server.err)
    assert "fake.py" not in report.text
    assert "Python %s: frames not supported" % version[:4] in report.text


def test_suppressions_name_python_functions_and_files(start, closewait, tmp_path, directory):
    server = start([PYTHON, program("python_churn.py"), "3"], stdin=subprocess.PIPE,
                   grace="1ms")
    server.line("^ready")
    rules = tmp_path / "rules"
    for rule, left in (("leak:^f0001$", 2), ("leak:0002.py", 2), ("leak:python_churn.py", 0),
                       ("leak:once", 0), ("leak:nothing", 3)):
        rules.write_text(rule + "\n")
        path = str(tmp_path / "report.json")
        closewait("report", "--json", path, "--suppressions", str(rules), server.pid)
        with open(path) as f:
            report = json.load(f)
        assert sum(g["count"] for g in report["groups"] if g["leak"]) == left, rule


def test_json_of_python_frames_is_as_the_schema_says(start, closewait, tmp_path, schema):
    server = start([PYTHON, program("python_churn.py"), "1"], stdin=subprocess.PIPE,
                   grace="1ms")
    server.line("^ready")
    path = str(tmp_path / "report.json")
    closewait("report", "--json", path, server.pid)
    with open(path) as f:
        report = json.load(f)
    schema.validate(report)
    frames = [g for g in report["groups"] if g["leak"]][0]["stacks"]["eof"]
    assert frames[0] == {"language": "python", "function": "f0000", "file": "/made/0000.py",
                         "line": 3, "module": None, "offset": None, "inlined": False,
                         "handler": False}
    assert {f["language"] for f in frames} == {"python"}
    closewait("report", "--native", "--json", path, server.pid)
    with open(path) as f:
        frames = [g for g in json.load(f)["groups"] if g["leak"]][0]["stacks"]["eof"]
    assert {f["language"] for f in frames} == {"python", "native"}
