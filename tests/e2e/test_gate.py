# SPDX-License-Identifier: MIT
"""What `closewait report` makes a failure, and what it leaves out."""
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import time

import pytest

import traced
from reports import Report
from traced import (DEADLINE, SOURCE, client, environment, example, program, until,
                    until_older_than)

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
NAMES = ("leak", "eof-ignored", "eof-unread", "reset-ignored", "shutdown-unclosed",
         "half-closed", "unknown", "idle-client", "open", "slow-close", "closed-by-gc",
         "eof-spin", "double-close", "descriptors-exhausted")


def record(start, name, requests, **options):
    """Runs an example over (bytes, length of the answer) and keeps its trace."""
    options.setdefault("grace", "20ms")
    server = start([example(name), 0, len(requests)], keep="always", **options)
    port = server.port()
    for request in requests:
        client(port, *request)
    server.line("served %d" % len(requests))
    until_older_than(time.monotonic(), 0.1)
    assert server.end() == -signal.SIGTERM


def leaking(start, **options):
    """Three sockets, read to EOF and forgotten, of four."""
    record(start, "eof_ignored", [(b"half", 0)] * 3 + [(b"line\n", 3)], **options)


def healthy(start, **options):
    record(start, "eof_ignored", [(b"line\n", 3)] * 2, **options)


def spinning(start, **options):
    record(start, "eof_spin", [(b"short", 0)] * 2, **options)


def killed(start, **options):
    """Leaves two connections that nobody has asked the kernel about."""
    server = start([example("error_path_leak"), 0, 2], keep="always", grace="20ms")
    for _ in range(2):
        client(server.port(), b"PUT it\n")
    server.line("served 2, bad 2")
    assert server.end(signal.SIGKILL) == -signal.SIGKILL


def fingerprint(closewait, directory):
    return Report(closewait("report", directory).stdout).only().fingerprint


def write(path, text):
    path.write_text(text)
    return str(path)


def baseline(path, fingerprints, leak=True):
    groups = [{"fingerprint": one, "leak": leak} for one in fingerprints]
    return write(path, json.dumps({"schema": 1, "groups": groups}))


CASES = [
    # what ran, arguments, exit status
    (leaking, [], 0),
    (leaking, ["--exitcode", 23], 23),
    (healthy, ["--exitcode", 23], 0),
    (leaking, ["--exitcode", 23, "--max-leaks", 2], 23),
    (leaking, ["--exitcode", 23, "--max-leaks", 3], 0),
    (leaking, ["--exitcode", 23, "--grace", "10m"], 0),
    (leaking, ["--exitcode", 23, "--quiet"], 23),
    (leaking, ["--exitcode", 23, "--fail-on", "leak"], 23),
    (leaking, ["--exitcode", 23, "--fail-on", "eof-ignored"], 23),
    (leaking, ["--exitcode", 23, "--fail-on", "eof-unread,reset-ignored"], 0),
    (leaking, ["--exitcode", 23, "--fail-on", "eof-unread", "--fail-on", "leak"], 23),
    (leaking, ["--exitcode", 23, "--fail-on", "slow-close,double-close"], 0),
    # A listener is as open as it should be.
    (leaking, ["--exitcode", 23, "--fail-on", "open"], 0),
    (healthy, ["--exitcode", 23, "--fail-on", "open,half-closed"], 0),
    (spinning, ["--exitcode", 23], 0),
    (spinning, ["--exitcode", 23, "--fail-on", "eof-spin"], 23),
    (spinning, ["--exitcode", 23, "--fail-on", "leak,eof-spin", "--max-leaks", 9], 23),
    (killed, ["--exitcode", 23], 0),
    (killed, ["--exitcode", 23, "--fail-on", "unknown"], 23),
    (killed, ["--exitcode", 23, "--fail-on", "unknown", "--max-leaks", 2], 0),
]


@pytest.mark.parametrize("run, arguments, status", CASES)
def test_exit_status(start, directory, closewait, run, arguments, status):
    run(start)
    done = closewait("report", *arguments, directory)
    assert done.stderr == ""
    assert done.returncode == status, done.stdout


@pytest.mark.parametrize("state, name", [("still_connected", "open"),
                                         ("half_closed", "half-closed"),
                                         ("idle_in_client_pool", "idle-client")])
def test_what_is_no_leak_can_be_a_failure(start, directory, closewait, tmp_path, state, name):
    run = start([program("states"), 60, state], grace="20ms", keep="always")
    assert run.wait() == 0
    plain = closewait("report", "--exitcode", 9, directory)
    assert plain.returncode == 0
    gated = closewait("report", "--exitcode", 9, "--fail-on", name, directory)
    assert gated.returncode == 9
    assert gated.stdout == plain.stdout
    rules = write(tmp_path / "supp.txt", "%s:*\n" % name)
    done = closewait("report", "--exitcode", 9, "--fail-on", name, "--suppressions", rules,
                     directory)
    assert done.returncode == 0, done.stdout


RULES = [
    # what ran, the rule (%s: the fingerprint), what the gate minds, suppressed or not
    (leaking, "leak:read_request", "leak", "3 sockets"),
    (leaking, "leak:^serve_conn$", "leak", "3 sockets"),
    (leaking, "leak:accept_conn", "leak", "3 sockets"),
    (leaking, "leak:conn_close", "leak", None),
    (leaking, "leak:^read$", "leak", None),
    (leaking, "leak:^eof_ignored.c$", "leak", "3 sockets"),
    (leaking, "leak:^%s/examples/*.c$" % SOURCE, "leak", "3 sockets"),
    (leaking, "leak:/examples/eof_ignored$", "leak", "3 sockets"),
    (leaking, "leak:^eof_ignored$", "leak", "3 sockets"),
    (leaking, "id:%s", "leak", "3 sockets"),
    (leaking, "id:00000000", "leak", None),
    (leaking, "eof-ignored:main", "leak", "3 sockets"),
    (leaking, "eof-unread:*", "leak", None),
    (leaking, "eof-spin:*", "leak", None),
    (spinning, "eof-spin:read_header", "eof-spin", "2 sockets"),
    (spinning, "eof-spin:*", "eof-spin", "2 sockets"),
    (spinning, "eof-spin:accept_conn", "eof-spin", None),
    (spinning, "leak:*", "eof-spin", None),
    (killed, "unknown:handle_request", "unknown", "2 sockets"),
    (killed, "leak:*", "unknown", None),
]


@pytest.mark.parametrize("run, rule, name, said", RULES)
def test_suppression(start, directory, closewait, tmp_path, run, rule, name, said):
    run(start)
    if "%s" in rule:
        rule %= fingerprint(closewait, directory)
    rules = write(tmp_path / "supp.txt", "# known\n\nleak:nowhere\n%s\n" % rule)
    done = closewait("report", "--exitcode", 9, "--fail-on", name, "--suppressions", rules,
                     directory)
    assert done.stderr == ""
    assert done.returncode == (0 if said else 9), done.stdout
    if said:
        last = done.stdout.splitlines()[-1]
        assert last == "suppressed: %s by %s (supp.txt:4)" % (said, rule)
        assert "closewait: no leaks" in done.stdout
        assert "[" not in done.stdout
    else:
        assert "suppressed" not in done.stdout


def test_unused_suppressions_are_told_with_all(start, directory, closewait, tmp_path):
    leaking(start)
    rules = write(tmp_path / "supp.txt", "leak:nowhere\n")
    more = write(tmp_path / "more.txt", "leak:main\n")
    done = closewait("report", "--all", "--suppressions", rules, "--suppressions", more,
                     directory)
    assert done.stdout.endswith("suppressed: nothing by leak:nowhere (supp.txt:1)\n"
                                "suppressed: 3 sockets by leak:main (more.txt:1)\n")


def test_suppressed_sockets_are_accounted_for(start, directory, closewait, tmp_path):
    leaking(start)
    rules = write(tmp_path / "supp.txt", "leak:*\n")
    done = closewait("report", "--suppressions", rules, directory)
    assert "5 sockets opened: 1 closed, 3 suppressed, 1 listening" in done.stdout
    done = closewait("report", "--quiet", "--suppressions", rules, directory)
    assert done.stdout == ""


@pytest.mark.parametrize("leak, known", [(True, True), (False, False)])
def test_baseline(start, directory, closewait, tmp_path, leak, known):
    leaking(start)
    before = baseline(tmp_path / "base.json",
                      ["00000000", fingerprint(closewait, directory)], leak)
    done = closewait("report", "--exitcode", 9, "--baseline", before, directory)
    assert done.stderr == ""
    assert done.returncode == (0 if known else 9)
    assert ("known before" in done.stdout) == known
    assert "LEAK: 3 sockets" in done.stdout


def test_baseline_of_another_finding_excuses_nothing(start, directory, closewait, tmp_path):
    leaking(start)
    before = baseline(tmp_path / "base.json", ["00000000"])
    done = closewait("report", "--exitcode", 9, "--baseline", before, directory)
    assert done.returncode == 9 and "known before" not in done.stdout


def test_baseline_is_an_earlier_json_report(start, directory, closewait, tmp_path):
    leaking(start)
    before = tmp_path / "base.json"
    done = closewait("report", "--json", before, directory)
    assert done.returncode == 0
    if not before.exists():
        pytest.skip("this build writes no JSON")
    done = closewait("report", "--exitcode", 9, "--baseline", before, directory)
    assert (done.returncode, done.stderr) == (0, "")
    assert "known before" in done.stdout


BAD_FILES = [
    ("--suppressions", None, "No such file or directory"),
    ("--suppressions", "leak:x\nfoo\n", ":2: 'foo' is not NAME:PATTERN"),
    ("--suppressions", "leek:x\n", ":1: 'leek:x' begins with none of id, leak, eof-ignored"),
    ("--suppressions", "leak:\n", ":1: 'leak:' has no pattern"),
    ("--suppressions", "id:12\n", ":1: '12' is no fingerprint"),
    ("--baseline", None, "No such file or directory"),
    ("--baseline", "", "not JSON"),
    ("--baseline", "{\n\"schema\": 1,,\n", ":2: not JSON"),
    ("--baseline", "closewait: LEAK: 1 socket\n", ":1: not JSON"),
    ("--baseline", "[]", "no report of closewait"),
    ("--baseline", "{\"groups\": []}", "no `schema`"),
    ("--baseline", "{\"schema\": 2, \"groups\": []}", "schema 2: only 1"),
    ("--baseline", "{\"schema\": \"1\", \"groups\": []}", "no `schema`"),
    ("--baseline", "{\"schema\": 1}", "no `groups`"),
    ("--baseline", "{\"schema\": 1, \"groups\": [1]}", "no fingerprint"),
    ("--baseline", "{\"schema\": 1, \"groups\": [{\"fingerprint\": \"12\"}]}",
     "no fingerprint"),
    ("--baseline", "{\"schema\": 1, \"groups\": [{\"fingerprint\": \"0123abcd\"}]}",
     "leak"),
]


def must_refuse(done, *words):
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("closewait: ") and done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize("option, text, said", BAD_FILES)
def test_malformed_file(closewait, tmp_path, option, text, said):
    path = tmp_path / "input"
    if text is not None:
        path.write_text(text)
    must_refuse(closewait("report", option, path, tmp_path), str(path), said)


@pytest.mark.parametrize("option", ["--suppressions", "--baseline"])
def test_a_directory_is_no_file(closewait, tmp_path, option):
    must_refuse(closewait("report", option, tmp_path, tmp_path), "Is a directory")


@pytest.mark.parametrize("names, wrong", [("leek", "leek"), ("leak,", ""), ("", ""),
                                          ("leak,EOF-IGNORED", "EOF-IGNORED"),
                                          ("leak eof-spin", "leak eof-spin")])
def test_unknown_name(closewait, tmp_path, names, wrong):
    must_refuse(closewait("report", "--fail-on", names, tmp_path), "--fail-on: '%s'" % wrong,
                ", ".join(NAMES))


@pytest.mark.parametrize("option, value", [("--exitcode", "0"), ("--exitcode", "256"),
                                           ("--max-leaks", "-1"), ("--max-leaks", "many"),
                                           ("--annotate", "gitlab"), ("--color", "red")])
def test_wrong_value(closewait, tmp_path, option, value):
    must_refuse(closewait("report", option, value, tmp_path), option, "'%s'" % value)


def annotate(directory, *arguments, **variables):
    """Lines that are workflow commands."""
    env = environment(False, None, None, variables)
    done = subprocess.run([traced.COMMAND, "report", "--annotate", "github"]
                          + [str(a) for a in arguments] + [directory], env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding="utf-8", timeout=DEADLINE)
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line.startswith("::")]


def test_annotations_name_the_line(start, directory, closewait, tmp_path):
    leaking(start)
    with open(os.path.join(SOURCE, "examples", "eof_ignored.c")) as f:
        line = 1 + [n for n, text in enumerate(f) if "recv(conn->fd" in text][0]
    command, = annotate(directory, GITHUB_WORKSPACE=SOURCE)
    begin = "::error file=examples/eof_ignored.c,line=(\\d+),title=closewait%3A eof-ignored"
    found = re.match(begin + " in read_request::3 sockets, ", command)
    # The return address of a call over two lines may be of the second.
    assert found and line <= int(found.group(1)) <= line + 1, command
    command, = annotate(directory)
    assert "file=%s/examples/eof_ignored.c," % SOURCE in command
    before = baseline(tmp_path / "base.json", [fingerprint(closewait, directory)])
    command, = annotate(directory, "--baseline", before, GITHUB_WORKSPACE=SOURCE)
    assert command.startswith("::warning file=examples/eof_ignored.c,line=")
    rules = write(tmp_path / "supp.txt", "leak:*\n")
    assert annotate(directory, "--suppressions", rules) == []


def test_summary_is_appended(start, directory, tmp_path):
    spinning(start)
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    assert annotate(directory, GITHUB_STEP_SUMMARY=str(summary)) == []
    assert summary.read_text() == "before\n"
    command, = annotate(directory, "--fail-on", "eof-spin", GITHUB_STEP_SUMMARY=str(summary))
    assert command.startswith("::error file=") and "title=closewait%3A eof-spin in " in command
    lines = summary.read_text().splitlines()
    assert lines[0] == "before" and lines[-1].startswith("| eof-spin | 2 times: ")
    assert all(line.count("|") == 5 for line in lines[3:]), lines


def in_terminal(arguments, **variables):
    """What the command writes to a terminal."""
    master, slave = pty.openpty()
    env = environment(False, None, None, dict({"TERM": "xterm"}, **variables))
    env = {name: value for name, value in env.items() if value is not None}
    child = subprocess.Popen([traced.COMMAND, "report"] + [str(a) for a in arguments],
                             stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.PIPE,
                             env=env)
    os.close(slave)
    written = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # EIO: the other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(master)
    assert child.stderr.read() == b""
    child.stderr.close()
    assert child.wait(DEADLINE) == 0
    return written.decode().replace("\r\n", "\n")


def test_colours_on_a_terminal_only(start, directory, closewait, terminals):
    leaking(start)
    plain = closewait("report", directory).stdout
    coloured = in_terminal([directory], NO_COLOR="")
    assert "\x1b" not in plain
    assert coloured.startswith("\x1b[1;31mclosewait: LEAK: 3 sockets")
    assert "\x1b[1meof-ignored\x1b[0m  3 accepted" in coloured
    assert ESCAPE.sub("", coloured) == plain
    assert in_terminal([directory], NO_COLOR="1") == plain
    assert in_terminal([directory], TERM="dumb") == plain
    assert in_terminal(["--color", "never", directory]) == plain
    assert in_terminal(["--color", "always", directory], NO_COLOR="1") == coloured
    assert closewait("report", "--color", "always", directory).stdout == coloured
    assert closewait("report", "--color", "auto", directory).stdout == plain


SERVER = """
#include "listen.h"
#include <unistd.h>
%(above)s
STEP int take(int listener) { return accept(listener, NULL, NULL); }
STEP int drain(int fd)
{
%(inside)s
	char byte;
	while (recv(fd, &byte, 1, 0) > 0)
		;
	return fd;
}
int main(int argc, char **argv)
{
	int listener = listen_on(argument(argc, argv, 1, 0));
	int fd = drain(take(listener));
	printf("drained %%d\\n", fd);
	fflush(stdout);
	for (;;)
		pause();
}
"""


def rebuilt(start, closewait, need, place, above, inside, size):
    """The fingerprint of a run of that version of the server."""
    os.makedirs(str(place))
    source = write(place / "server.c", SERVER % {"above": above, "inside": inside})
    subprocess.check_call([need("cc"), "-O2", "-g", "-fno-optimize-sibling-calls",
                           "-I", os.path.join(SOURCE, "examples"), source,
                           "-o", str(place / "server")])
    traces = str(place / "traces")
    server = start([place / "server", 0], keep="always", grace="20ms", dir=traces)
    client(server.port(), b"x" * size)
    server.line("drained")
    until_older_than(time.monotonic(), 0.1)
    server.end()
    return fingerprint(closewait, traces), closewait("report", traces).stdout


def test_fingerprint_outlives_a_rebuild(start, closewait, need, tmp_path):
    first, text = rebuilt(start, closewait, need, tmp_path / "a", "", "", 1)
    again, _ = rebuilt(start, closewait, need, tmp_path / "b", "", "", 2)
    moved, other = rebuilt(start, closewait, need, tmp_path / "c", "\n" * 40 + "int unused;",
                           "\tprintf(\"draining\\n\");\n\n\n", 3)
    assert first == again == moved
    line = re.compile(r"EOF read    drain\S* +server\.c:(\d+)")
    assert line.search(text).group(1) != line.search(other).group(1)


def test_fingerprint_does_not_depend_on_addresses(start, directory, closewait, need):
    setarch = need("setarch")
    if subprocess.call([setarch, "-R", "true"], stderr=subprocess.DEVNULL) != 0:
        pytest.skip("addresses cannot be fixed here")
    seen = set()
    for prefix in ([], [], [setarch, "-R"]):
        shutil.rmtree(directory, ignore_errors=True)
        server = start(prefix + [example("eof_ignored"), 0, 1], keep="always", grace="20ms")
        client(server.port(), b"half")
        server.line("served 1")
        until_older_than(time.monotonic(), 0.1)
        server.end()
        seen.add(fingerprint(closewait, directory))
    assert len(seen) == 1


def test_a_forked_workers_copy_of_the_listener_is_one_socket(start, directory, closewait):
    master = start([program("prefork"), 0], grace="20ms", keep="always")
    client(master.port(), b"leak", 2)
    until(lambda: "worker" in master.out, "the worker's answer")
    until_older_than(time.monotonic(), 0.1)
    assert master.end() == 0
    done = closewait("report", "--show-open", directory)
    assert re.search(r"1 leaked, 1 listening\.", done.stdout), done.stdout
    assert closewait("report", "--exitcode", 9, "--fail-on", "open",
                     directory).returncode == 0


@pytest.mark.parametrize("rule, status", [("leak:nowhere", 23), ("leak:^test_states$", 0)])
def test_run_has_the_same_gate(closewait, tmp_path, rule, status):
    rules = write(tmp_path / "supp.txt", rule + "\n")
    done = closewait("run", "--dir", tmp_path / "traces", "--grace", "20ms", "--exitcode", 23,
                     "--suppressions", rules, "--", program("states"), 60, "eof_by_recv")
    assert done.returncode == status, done.stderr
    assert ("suppressed: 1 socket by" in done.stderr) == (status == 0)


@pytest.mark.parametrize("state, name", [("still_connected", "open"),
                                         ("half_closed", "half-closed"),
                                         ("idle_in_client_pool", "idle-client")])
def test_run_minds_what_is_no_finding_if_asked(closewait, tmp_path, state, name):
    """A process that ends with nothing to tell must not have forgotten it by then."""
    done = closewait("run", "--dir", tmp_path / "traces", "--grace", "20ms", "--exitcode", 23,
                     "--fail-on", name, "--", program("states"), 60, state)
    assert done.returncode == 23, done.stderr


def test_run_shows_open_sockets_if_asked(closewait, tmp_path):
    done = closewait("run", "--dir", tmp_path / "traces", "--show-open", "--", program("states"),
                     60, "still_connected")
    assert done.returncode == 0
    assert "open" in [group.verdict for group in Report(done.stderr).groups], done.stderr


@pytest.mark.parametrize("keep", ["never", "always"])
def test_the_users_keep_does_not_blind_run(start, directory, keep):
    one = start([traced.COMMAND, "run", "--dir", directory, "--grace", "20ms", "--exitcode", "23",
                 "--", program("holds_leak"), 2, 60, "exit", 0], preload=False,
                env={"CLOSEWAIT_OPTIONS": "keep=" + keep})
    assert one.wait() == 23, one.err
    assert Report(one.err).leaks == 2


@pytest.mark.parametrize("option, text", [("--suppressions", "leek:x"), ("--baseline", "{}"),
                                          ("--fail-on", "leek")])
def test_a_mistake_is_told_before_anything_is_run(closewait, tmp_path, option, text):
    value = text if option == "--fail-on" else write(tmp_path / "input", text)
    done = closewait("run", option, value, "--", "touch", tmp_path / "was_run")
    assert done.returncode == 125
    assert done.stderr.count("\n") == 1, done.stderr
    assert not (tmp_path / "was_run").exists()
