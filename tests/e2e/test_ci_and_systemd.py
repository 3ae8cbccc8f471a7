# SPDX-License-Identifier: MIT
"""The examples for continuous integration and systemd do what they say."""
import os
import re
import shutil
import socket
import subprocess

import pytest

from reports import Report
from traced import COMMAND, DEADLINE, PYTHON, SOURCE, environment, example, tool

GATE = os.path.join(SOURCE, "examples", "ci", "gate.sh")
WORKFLOW = os.path.join(SOURCE, "examples", "ci", "github-actions.yml")
DROP_IN = os.path.join(SOURCE, "examples", "systemd", "closewait.conf")

# Leaves in the middle of a line, as eof_ignored.c says it should not.
PEER = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
    s.sendall(b"half")
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def gate(tmp_path, need):
    """gate(server, tests="…"): runs gate.sh; $PORT and $PEER are there for the tests."""
    need("ss")
    (tmp_path / "peer.py").write_text(PEER)

    def run(server, tests="$PEER", pause="0.2", options="grace=20ms"):
        port = str(free_port())
        env = environment(False, None, None, {
            "CLOSEWAIT": COMMAND, "PAUSE": pause, "CLOSEWAIT_OPTIONS": options,
            "XDG_RUNTIME_DIR": str(tmp_path),
            "PEER": "%s %s %s" % (PYTHON, tmp_path / "peer.py", port)})
        return subprocess.run([GATE, port, tests] + server + [port], env=env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, encoding="utf-8", timeout=2 * DEADLINE)
    return run


def leaky():
    return [example("eof_ignored")]


def repaired():
    return [PYTHON, example("fixed_with.py")]


def test_gate_fails_on_a_leak(gate):
    done = gate(leaky())
    assert done.returncode == 23, done.stderr
    assert Report(done.stderr).only().verdict == "eof-ignored"
    assert "gate.sh: the server leaked sockets" in done.stderr


def test_gate_passes_without_one(gate):
    done = gate(repaired())
    assert done.returncode == 0, done.stderr
    assert "LEAK" not in done.stderr


def test_gate_fails_if_the_tests_do(gate):
    done = gate(repaired(), tests="exit 3")
    assert done.returncode == 3, done.stderr
    assert "the tests ended with status 3" in done.stderr


def test_gate_fails_on_a_leak_also_if_the_tests_fail(gate):
    assert gate(leaky(), tests="$PEER; exit 3").returncode == 23


def test_gate_fails_if_the_server_does_not_start(gate):
    done = gate([PYTHON, "-c", "raise SystemExit(4)"])
    assert done.returncode == 1
    assert "nobody listens" in done.stderr


def test_gate_says_how_it_is_used():
    done = subprocess.run([GATE], stderr=subprocess.PIPE, encoding="utf-8")
    assert (done.returncode, done.stderr[:6]) == (2, "usage:")


@pytest.mark.parametrize("path", [GATE, os.path.join(SOURCE, "examples", "quickstart"),
                                  os.path.join(SOURCE, "completions", "closewait.bash")],
                         ids=os.path.basename)
def test_shellcheck(path, need):
    need("shellcheck")
    done = subprocess.run(["shellcheck", path], stdout=subprocess.PIPE, encoding="utf-8")
    assert done.returncode == 0, done.stdout


def test_workflow_is_yaml_and_its_steps_are_shell(tmp_path):
    yaml = pytest.importorskip("yaml")
    with open(WORKFLOW) as f:
        workflow = yaml.safe_load(f)
    steps = workflow["jobs"]["closewait"]["steps"]
    scripts = [step["run"] for step in steps if "run" in step]
    assert any("closewait run --exitcode 23" in script for script in scripts)
    for script in scripts:
        done = subprocess.run(["bash", "-n", "-c", script], stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr.decode()


# The workflow's own step, with what it calls in the place of a server and of tests.
@pytest.mark.parametrize("server, status", [(leaky, 23), (repaired, 0)])
def test_step_of_the_workflow(server, status, tmp_path, need):
    yaml = pytest.importorskip("yaml")
    need("ss")
    with open(WORKFLOW) as f:
        steps = yaml.safe_load(f)["jobs"]["closewait"]["steps"]
    script, = [step["run"] for step in steps if "closewait run" in step.get("run", "")]
    port = str(free_port())
    script = script.replace("8080", port)
    (tmp_path / "peer.py").write_text(PEER)
    for name, text in (("server", "exec %s %s" % (" ".join(server()), port)),
                       ("run-tests", "exec %s peer.py %s" % (PYTHON, port)),
                       ("closewait", 'exec %s "$@"' % COMMAND)):
        (tmp_path / name).write_text("#!/bin/sh\n%s\n" % text)
        (tmp_path / name).chmod(0o755)
    env = environment(False, None, None, {"XDG_RUNTIME_DIR": str(tmp_path)})
    env["PATH"] = "%s:%s" % (tmp_path, env["PATH"])
    # GitHub's shell for `run:`.
    done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
                          cwd=str(tmp_path), env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                          timeout=2 * DEADLINE)
    assert done.returncode == status, done.stderr


# systemd

def settings(path):
    """(section, key, value), in order."""
    found, section = [], None
    with open(path) as f:
        for line in f.read().splitlines():
            if not line or line.startswith("#"):
                continue
            header = re.fullmatch(r"\[(\w+)\]", line)
            if header:
                section = header.group(1)
                continue
            key, value = line.split("=", 1)
            found.append((section, key, value))
    return found


def test_drop_in_sets_what_the_library_needs():
    found = settings(DROP_IN)
    assert {section for section, _, _ in found} == {"Service"}
    variables = dict(value.split("=", 1) for _, key, value in found if key == "Environment")
    assert variables["LD_PRELOAD"].startswith("/")
    assert variables["LD_PRELOAD"].endswith("/closewait/libclosewait.so")
    place = re.fullmatch(r"dir=%t/(.*)/traces", variables["CLOSEWAIT_OPTIONS"]).group(1)
    assert ("Service", "RuntimeDirectory", place) in found
    assert ("Service", "RuntimeDirectoryMode", "0700") in found


@pytest.mark.parametrize("spoilt", [False, True], ids=["as it is", "with a mistake"])
def test_systemd_reads_the_drop_in(spoilt, tmp_path, need):
    need("systemd-analyze")
    (tmp_path / "demo.service").write_text("[Service]\nExecStart=%s\n" % shutil.which("true"))
    (tmp_path / "demo.service.d").mkdir()
    text = open(DROP_IN).read() + ("NoSuchKey=1\n" if spoilt else "")
    (tmp_path / "demo.service.d" / "closewait.conf").write_text(text)
    done = subprocess.run([tool("systemd-analyze"), "verify", "--man=no",
                           str(tmp_path / "demo.service")],
                          env=dict(os.environ, SYSTEMD_UNIT_PATH="%s:" % tmp_path),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
                          timeout=DEADLINE)
    assert ("closewait.conf" in done.stdout) == spoilt, done.stdout
