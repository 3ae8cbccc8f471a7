# SPDX-License-Identifier: MIT
"""Servers of asyncio: whose connection it is, which the event loop's own stack does not tell."""
import json
import os
import subprocess

import pytest

from reports import Report
from traced import BUILD, PYTHON, client, program, pythons, until

CLIENTS = 3  # of each server


def interpreter_name(path):
    return "python3" if path == PYTHON else path.split("/")[-3]


def python3s():
    return [p for p in pythons() if "/2.7" not in p]


every_python3 = pytest.mark.parametrize("python", python3s(), ids=interpreter_name)


class Servers:
    """All of asyncio_handlers.py, each with clients that came and went."""

    def __init__(self, start, python, **options):
        self.process = start([python, program("asyncio_handlers.py")], stdin=subprocess.PIPE,
                             grace="1ms", **options)
        self.process.line("^ready$")
        self.told = [json.loads(line) for line in self.process.out.splitlines()
                     if line.startswith("{")]
        for _ in range(CLIENTS):
            for server in self.told:
                client(server["port"], b"word", 4)

    def end(self):
        self.process.process.stdin.close()
        assert self.process.wait() == 0, self.process.err


def leaks_of(closewait, tmp_path, pid, count):
    """The groups of leaks, once all these connections are such."""
    path = str(tmp_path / "report.json")

    def groups():
        closewait("report", "--all", "--json", path, pid)
        with open(path) as f:
            found = [g for g in json.load(f)["groups"] if g["verdict"] == "eof-ignored"]
        return found if sum(g["count"] for g in found) == count else None
    return until(groups, "%d leaks" % count)


def handler_of(group):
    """[function, file, line] of what stands before the frames at accept; None: nothing."""
    frames = group["stacks"]["open"]
    assert not any(f["handler"] for f in frames[1:])
    assert "_accept_connection" in "".join(f["function"] or "" for f in frames[:3])
    first = frames[0]
    return [first["function"], first["file"], first["line"]] if first["handler"] else None


@every_python3
def test_each_server_of_a_loop_is_told_by_its_handler(start, closewait, tmp_path, python):
    servers = Servers(start, python)
    count = CLIENTS * len(servers.told)
    groups = leaks_of(closewait, tmp_path, servers.process.pid, count)
    by_handler = {}
    for server in servers.told:
        by_handler.setdefault(json.dumps(server["handler"]), []).append(server["port"])
    # Two servers of one class are one place in the code, even if a partial leads to it.
    assert len(groups) == len(by_handler) == len(servers.told) - 1
    for group in groups:
        ports = sorted({int(s["local"].split(":")[1]) for s in group["sockets"]})
        assert ports == sorted(by_handler[json.dumps(handler_of(group))])
        assert group["count"] == CLIENTS * len(ports)
    # Two lambdas of one file have one fingerprint: it knows no lines.
    names = {tuple(handler_of(g)[:2]) if handler_of(g) else None for g in groups}
    assert len({g["fingerprint"] for g in groups}) == len(names)
    servers.end()


@every_python3
def test_the_first_write_is_in_the_coroutine(start, closewait, tmp_path, python):
    servers = Servers(start, python)
    count = CLIENTS * len(servers.told)
    groups = leaks_of(closewait, tmp_path, servers.process.pid, count)
    served = 0
    for group in groups:
        name = (handler_of(group) or ["nothing"])[0].split(".")[-1]
        frames = [(f["function"] or "").split(".")[-1] for f in group["stacks"]["first_write"]]
        if name.startswith("handle_"):
            assert frames.index("serve") + 1 == frames.index(name), frames
            served += 1
        elif name == "connection_made":
            assert "data_received" in frames
    assert served == 5
    servers.end()


@every_python3
def test_the_opened_line_names_the_handler(start, read_report, python):
    servers = Servers(start, python)
    function = servers.told[0]
    name, file, line = function["handler"]
    with open(file) as f:
        source = f.read().splitlines()[line - 1]
    assert source.startswith("async def handle_function")
    place = "handler asyncio_handlers.py:%d in %s" % (line, name)

    def group():
        report = read_report("--grace", "1ms", servers.process.pid)
        found = [g for g in report.groups if g.stacks["opened"][0].startswith(place)]
        return found[0] if found and found[0].count == CLIENTS else None
    found = until(group, "the group of " + place)
    assert found.sources["opened"] == (line, source)
    assert found.stacks["opened"][1].startswith("selector_events.py:"), found.text
    servers.end()


# In units of 16 bits from the start of struct python_offsets: those that lead to a handler.
@pytest.mark.parametrize("python", python3s()[:1] + python3s()[3:6], ids=interpreter_name)
def test_wrong_offsets_lead_to_no_wrong_handler(start, closewait, tmp_path, python):
    spoilt = os.path.join(BUILD, "tests", "programs", "libclosewait_spoilt.so")
    for word in (18, 19, 20, 21):
        for delta in (8, 1000):
            env = {"LD_PRELOAD": spoilt, "CLOSEWAIT_TEST_OFFSETS": "%d+%d" % (word, delta)}
            servers = Servers(start, python, env=env)
            count = CLIENTS * len(servers.told)
            told = {json.dumps(s["handler"]) for s in servers.told}
            groups = leaks_of(closewait, tmp_path, servers.process.pid, count)
            handlers = [handler_of(g) for g in groups]
            assert all(h is None or json.dumps(h) in told for h in handlers), (word, delta)
            assert any(h is None for h in handlers), (word, delta)
            servers.end()


def test_suppressions_and_the_report_at_exit_know_the_handler(start, closewait, tmp_path):
    servers = Servers(start, PYTHON, report="stderr")
    count = CLIENTS * len(servers.told)
    leaks_of(closewait, tmp_path, servers.process.pid, count)
    rules, path = tmp_path / "rules", str(tmp_path / "report.json")
    rules.write_text("leak:^handle_other$\n")
    closewait("report", "--json", path, "--suppressions", str(rules), servers.process.pid)
    with open(path) as f:
        assert json.load(f)["summary"]["suppressed"] == CLIENTS
    servers.process.end()
    opened = [g.stacks["opened"][0] for g in Report(servers.process.err).groups]
    assert any("in handle_function" in line for line in opened), servers.process.err
