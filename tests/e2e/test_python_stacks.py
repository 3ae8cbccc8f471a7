# SPDX-License-Identifier: MIT
"""Stacks of Python, held against what the interpreter itself says of them."""
import json
import os
import subprocess

import pytest

from traced import PYTHON, program, pythons, traces


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
    done = closewait("report", "--all", "--json", path, *arguments)
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
    report = json_report(closewait, tmp_path, server.pid)
    assert held_against(report, server.out) >= (40 if "/2.7" not in python else 30)
    server.process.stdin.close()
    assert server.wait() == 0
