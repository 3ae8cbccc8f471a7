# SPDX-License-Identifier: MIT
"""Fixtures of the end-to-end tests: they start programs and end them, each by its pid."""
import json
import os
import subprocess

import pytest

import traced
from reports import Report


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run the tests marked long, too")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes more than a few seconds")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="long: run with --long"))


def pytest_sessionstart(session):
    for path in (traced.LIBRARY, traced.COMMAND):
        if not os.path.exists(path):
            pytest.exit("%s is missing: build first, or run tests/run" % path, 2)


@pytest.fixture
def directory(tmp_path):
    """Where the traces of this test go."""
    return str(tmp_path / "traces")


@pytest.fixture
def start(tmp_path, directory):
    """start(argv, preload=True, env={}, stdin=None, **options) starts a program."""
    started = []

    def start_one(argv, preload=True, env=None, stdin=subprocess.DEVNULL, **options):
        full = traced.environment(preload, options, directory, env)
        place = str(tmp_path / ("run%d" % len(started)))
        one = traced.Traced([str(a) for a in argv], place, full, stdin)
        started.append(one)
        return one

    yield start_one
    for one in started:
        one.clean_up()


@pytest.fixture
def closewait(tmp_path):
    """closewait(*arguments) runs the command; returns subprocess's result."""
    def run(*arguments):
        return subprocess.run([traced.COMMAND] + [str(a) for a in arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              encoding="utf-8", errors="replace", timeout=traced.DEADLINE,
                              cwd=str(tmp_path), env=traced.environment(False, None, None))
    return run


@pytest.fixture
def read_report(closewait):
    """The report that the command makes of a trace, a directory or a live process."""
    def read(*arguments):
        done = closewait("report", *arguments)
        assert done.stderr == "", done.stderr
        return Report(done.stdout)
    return read


@pytest.fixture(scope="session")
def schema():
    """The schema's validator, or the test is skipped."""
    jsonschema = pytest.importorskip("jsonschema", reason="python3-jsonschema is missing")
    if not hasattr(jsonschema, "Draft202012Validator"):
        pytest.skip("python3-jsonschema is too old for draft 2020-12")
    with open(os.path.join(traced.SOURCE, "docs", "report.schema.json")) as f:
        document = json.load(f)
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


@pytest.fixture
def terminals():
    """Skips the test where the machine has no pseudo-terminals."""
    try:
        for fd in os.openpty():
            os.close(fd)
    except OSError as error:
        pytest.skip("no pseudo-terminal: %s" % error)


@pytest.fixture
def need():
    """need(name, …) skips the test if one of these programs is not there."""
    def look(*names):
        for name in names:
            if not traced.tool(name):
                pytest.skip("%s is not installed" % name)
        return traced.tool(names[0])
    return look


@pytest.fixture(scope="session")
def java(tmp_path_factory):
    """The beginning of a command that runs EchoServer, or None: there is no compiler."""
    compiler = traced.tool("javac")
    if not compiler:
        return None
    place = str(tmp_path_factory.mktemp("classes"))
    subprocess.run([compiler, "-d", place, traced.program("EchoServer.java")], check=True)
    return [traced.tool("java"), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
            "-cp", place, "EchoServer"]


@pytest.fixture
def runtime(java, need):
    """runtime(name): the command of an echo server in Node, on uvloop or in Java."""
    def command(name):
        if name == "node":
            return [need("node"), traced.program("echo_server.js")]
        if name == "uvloop":
            return [traced.PYTHON, traced.program("uvloop_server.py")]
        if not java:
            pytest.skip("there is no Java compiler")
        return java + [name.split("-")[1]]
    return command


@pytest.fixture
def run(start, directory):
    """run(*options, command=[…]) starts `closewait run` with its sessions in `directory`."""
    def start_it(*options, command, **others):
        argv = [traced.COMMAND, "run", "--dir", directory] + list(options) + ["--"] + command
        return start(argv, preload=False, **others)
    return start_it
