# SPDX-License-Identifier: MIT
"""Where the thread stood that a signal ended."""
import json
import random
import re
import signal
import subprocess
import time

import pytest

from reports import Report
from traced import PYTHON, program, pythons, traces


def interpreter_name(path):
    return "python3" if path == PYTHON else path.split("/")[-3]


every_python = pytest.mark.parametrize("python", pythons(), ids=interpreter_name)


def lines_of(function):
    """The lines of a function of stands_at_end.c."""
    with open(program("stands_at_end.c")) as f:
        source = f.read().splitlines()
    first = next(i for i, line in enumerate(source) if re.search(r"\b%s\(" % function, line))
    last = next(i for i in range(first, len(source)) if source[i] == "}")
    return range(first + 1, last + 2)


@pytest.mark.parametrize("mode, function, thread", [
    ("spins", "spins_here", None), ("waits", "waits_here", None), ("sends", "sends_here", None),
    ("thread", "allocates_here", "worker")])
def test_a_native_program_by_function_and_line(start, closewait, directory, mode, function,
                                               thread):
    server = start([program("stands_at_end"), mode], grace="10ms")
    server.line("^ready$")
    if mode == "sends":
        assert server.wait() == -signal.SIGTERM
    else:
        assert server.end() == -signal.SIGTERM
    own = Report(server.err).only()
    assert own.verdict == "eof-unread"
    done = closewait("report", *traces(directory))
    group = Report(done.stdout).only()
    for told in (own, group):
        functions = [re.split(r"\W", frame)[0] for frame in told.stacks["at the end"]]
        assert function in functions and functions[-1] in ("main", function), told.text
        thread_told = re.search(r"thread (\S+)$", told.stacks["at the end"][0])
        assert (thread_told and thread_told.group(1)) == thread, told.text
    place = next(frame for frame in group.stacks["at the end"] if frame.startswith(function))
    file, line = re.search(r"(\S+):(\d+)", place).groups()
    assert file == "stands_at_end.c" and int(line) in lines_of(function), group.text


def test_json_tells_the_place_of_each_process(start, closewait, directory, tmp_path, schema):
    server = start([program("stands_at_end"), "spins"], grace="10ms")
    server.line("^ready$")
    path = str(tmp_path / "report.json")
    closewait("report", "--json", path, server.pid)
    with open(path) as f:
        process, = json.load(f)["processes"]
    assert process["end_stack"] is None and process["end_thread"] is None
    server.end()
    closewait("report", "--json", path, *traces(directory))
    with open(path) as f:
        report = json.load(f)
    schema.validate(report)
    process, = report["processes"]
    assert [f["function"] for f in process["end_stack"]] == ["spins_here", "main"]
    assert process["end_thread"] == "test_stands_at_"


def test_nothing_is_told_where_nothing_is_known(start, closewait, directory):
    server = start([program("stands_at_end"), "spins"], grace="10ms")
    server.line("^ready$")
    assert server.end(signal.SIGKILL) == -signal.SIGKILL
    assert "at the end" not in closewait("report", "--all", *traces(directory)).stdout


LOOP = """\
import socket, sys

ours, peer = socket.socketpair()
peer.close()
assert not ours.recv(1)


def turn(n):
    a = n + 1
    b = a * 2
    if b % 3:
        b -= 1
    else:
        b += 1
    return b


def main():
    n = 0
    print("ready")
    sys.stdout.flush()
    while True:
        n = turn(n) % 1000
        n += 1


main()
"""


@every_python
def test_the_line_is_one_that_the_loop_runs(start, closewait, directory, tmp_path, python):
    script = tmp_path / "loop.py"
    script.write_text(LOOP)
    source = LOOP.splitlines()
    turn = [source.index("def turn(n):") + 1 + i for i in range(8)]
    main = [source.index("    while True:") + 1 + i for i in range(3)]
    seen = set()
    for number in range(8):
        server = start([python, str(script)], grace="1ms", dir=directory + str(number))
        server.line("^ready$")
        time.sleep(random.random() * 0.01)
        assert server.end() == -signal.SIGTERM
        path = str(tmp_path / "report.json")
        closewait("report", "--json", path, *traces(directory + str(number)))
        with open(path) as f:
            process, = json.load(f)["processes"]
        frames = [(f["function"], f["line"]) for f in process["end_stack"] or []
                  if f["language"] == "python"]
        if not frames:  # between two frames: nothing is told then
            continue
        assert process["end_thread"] == "MainThread"
        seen.add(frames[0])
        assert frames[-1] == ("<module>", len(source)), frames
        flushes = main[0] - 1  # it may not have left that yet
        assert frames[-2][0] == "main" and frames[-2][1] in main + [flushes], frames
        if len(frames) > 2:
            assert frames[:-2] == [("turn", frames[0][1])] and frames[0][1] in turn, frames
            assert frames[1][1] == main[1], frames
    assert seen


@every_python
def test_an_interpreter_that_is_ended_anywhere(start, closewait, directory, tmp_path, python):
    end_anywhere(start, closewait, directory, tmp_path, python, 20)


@pytest.mark.long
@every_python
def test_an_interpreter_that_is_ended_anywhere_often(start, closewait, directory, tmp_path,
                                                     python):
    end_anywhere(start, closewait, directory, tmp_path, python, 200)


def end_anywhere(start, closewait, directory, tmp_path, python, count):
    place = tmp_path / "made"
    place.mkdir()
    seed = random.randrange(1 << 30)
    server = start([python, program("python_busy.py"), str(count), str(place), str(seed)],
                   stdin=subprocess.PIPE, grace="1ms", report="none")
    assert int(server.line(r"^ended (\d+)$").group(1)) == count, server.err
    path = str(tmp_path / "report.json")
    closewait("report", "--json", path, *traces(directory))
    with open(path) as f:
        processes = json.load(f)["processes"]
    stacks = [p["end_stack"] for p in processes if p["end_stack"]]
    python_stacks = [[f for f in stack if f["language"] == "python"] for stack in stacks]
    assert len([stack for stack in python_stacks if stack]) > count * 3 / 4, seed
    assert all(stack[-1]["function"] == "<module>" for stack in python_stacks if stack), seed
    asked = json.dumps([[f["function"], f["file"], f["line"]]
                        for stack in python_stacks for f in stack])
    wrong = subprocess.run([python, program("python_has_lines.py")], input=asked,
                           stdout=subprocess.PIPE, universal_newlines=True, check=True,
                           timeout=120).stdout
    assert json.loads(wrong) == [], (seed, wrong)
    server.process.stdin.close()
    assert server.wait() == 0
