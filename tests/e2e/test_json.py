# SPDX-License-Identifier: MIT
"""The report as JSON: valid whatever is in it, and the same as the text and as `ss`."""
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import time

import pytest

import traced
from reports import FAULTS, Report, VERDICTS
from traced import (COMMAND, PYTHON, SOURCE, await_close_wait, client, close_wait, example,
                    program, traces, until, until_older_than)

IPV6_SERVER = """
import signal, socket
listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
client = socket.create_connection(listener.getsockname()[:2])
held, address = listener.accept()
client.sendall(b"hello")
client.close()
while held.recv(16):
    pass
print("address [%s]:%d" % address[:2], flush=True)
signal.pause()
"""

UNIX_SERVER = """
import signal, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
held, _ = listener.accept()
client.close()
held.recv(16)
print("ready", flush=True)
signal.pause()
"""

KILLED = """
import os, signal, socket, time
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
held, _ = listener.accept()
client.close()
held.recv(16)
time.sleep(0.06)  # longer than the grace
os.kill(os.getpid(), signal.SIGKILL)
"""

HEIR = """
import os, signal, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
held, _ = listener.accept()
client.close()
held.recv(16)
child = os.fork()
if not child:
    held.recv(16)
    signal.pause()
print("child %d" % child, flush=True)
signal.pause()
"""


@pytest.fixture
def read_json(closewait, tmp_path, schema):
    """read_json(*arguments): the report as JSON, checked against the schema, and as text."""
    def read(*arguments):
        path = tmp_path / "report.json"
        done = closewait("report", "--json", path, *arguments)
        assert done.returncode == 0, done.stderr
        document = json.loads(path.read_bytes().decode("utf-8"))
        schema.validate(document)
        report = Report(done.stdout)
        must_agree(document, report)
        return document, report
    return read


def must_agree(document, report):
    """What both forms tell is the same."""
    summary = document["summary"]
    assert summary["leaks"] == sum(g["count"] for g in document["groups"] if g["leak"])
    assert summary["leaks"] == report.leaks or report.head is None
    for verdict in VERDICTS:
        listed = sum(g["count"] for g in document["groups"] if g["verdict"] == verdict)
        assert summary[verdict] >= listed
    for fault in FAULTS:
        mentioned = [f for f in document["faults"] if f["name"] == fault]
        assert sum(f["count"] for f in mentioned) == summary[fault]
    for group in document["groups"]:
        assert group["count"] == len(group["sockets"]) + group["sockets_omitted"]
    told = {(g.verdict, g.fingerprint): g for g in report.groups if g.fingerprint}
    for group in document["groups"]:
        text = told.get((group["verdict"], group["fingerprint"]))
        if not group["leak"] or not text:
            continue
        assert text.count == group["count"]
        for socket_ in group["sockets"][:len(text.sockets)]:
            line, = [s for s in text.sockets if s.startswith("fd %d " % socket_["fd"])
                     or " fd %d " % socket_["fd"] in s]
            for key in ("local", "peer"):
                assert socket_[key] is None or socket_[key] in line
            if socket_["cookie"]:
                assert "sk %x " % int(socket_["cookie"]) in line
            if socket_["inode"]:
                assert "ino %s " % socket_["inode"] in line


def functions(stack):
    return [frame["function"] for frame in stack or []]


def only_leak(document):
    leaks = [g for g in document["groups"] if g["leak"]]
    assert len(leaks) == 1, leaks
    return leaks[0]


@pytest.mark.parametrize("state, verdict, stack", [
    ("eof_by_recv", "eof-ignored", "eof"),
    ("eof_unread_with_bytes", "eof-unread", "open"),
    ("reset_read", "reset-ignored", "reset"),
    ("reset_unread", "reset-ignored", "open"),
    ("both_shut_down", "shutdown-unclosed", "shutdown"),
    ("client_read_eof", "eof-ignored", "first_write"),
    ("unix_eof_read", "eof-ignored", "eof"),
    ("socketpair_eof_read", "eof-ignored", "open"),
])
def test_each_verdict(start, directory, read_json, state, verdict, stack):
    run = start([program("states"), 60, state], grace="20ms")
    assert run.wait() == 0
    document, report = read_json(directory)
    leak = only_leak(document)
    assert (leak["verdict"], leak["count"]) == (verdict, 1)
    assert "main" in functions(leak["stacks"][stack])
    assert leak["fingerprint"] == report.only().fingerprint
    assert leak["explanation"].split(";")[0] in report.text or verdict == "eof-unread"
    assert leak["help"] in report.text or leak["closed_by"]
    held, = leak["sockets"]
    assert held["pid"] == run.pid and held["holders"] == [run.pid]
    assert held["protocol"] == ("unix" if "unix" in state or "pair" in state else "tcp")
    assert held["unread_bytes"] == (5 if state == "eof_unread_with_bytes" else 0)
    process, = document["processes"]
    assert (process["pid"], process["ended_by"]) == (run.pid, "exit(0)")
    assert document["summary"]["lost"] == {}


def test_source_files_are_told_with_their_directories(start, directory, read_json):
    assert start([program("states"), 60, "eof_by_recv"], grace="20ms").wait() == 0
    document, _ = read_json(directory)
    frame = [f for f in only_leak(document)["stacks"]["eof"] if f["function"] == "main"][0]
    assert os.path.samefile(frame["file"], os.path.join(SOURCE, "tests/programs/states.c"))
    with open(frame["file"]) as f:
        assert "bring_about()" in f.readlines()[frame["line"] - 1]
    assert frame["module"] == program("states")


def test_half_closed_and_idle_clients_are_no_leaks(start, directory, read_json):
    assert start([program("eof_rules"), 60, "idle_pool"], grace="20ms",
                 keep="always").wait() == 0
    document, _ = read_json(directory)
    group, = [g for g in document["groups"] if g["verdict"] == "idle-client"]
    assert not group["leak"] and group["count"] == 5
    assert document["summary"]["leaks"] == 0 and document["summary"]["idle-client"] == 5


def test_open_sockets_are_listed_where_they_are_asked_for(start, directory, read_json):
    assert start([program("states"), 60, "still_connected"], grace="20ms",
                 keep="always").wait() == 0
    document, _ = read_json("--show-open", directory)
    assert document["summary"]["open"] == 3 and document["summary"]["listening"] == 1


def test_siblings_and_closers(start, directory, read_json):
    server = start([example("eof_ignored"), 0, 40], grace="50ms")
    port = server.port()
    for i in range(40):
        client(port, *((b"half", 0) if i % 4 == 3 else (b"line\n", 3)))
    server.line("served 40")
    until_older_than(time.monotonic(), 0.15)
    server.end()
    document, _ = read_json(directory)
    leak = only_leak(document)
    assert leak["count"] == 10
    assert (leak["siblings"]["opened"], leak["siblings"]["closed"]) == (40, 30)
    closer, = leak["closed_by"]
    assert closer["count"] == 30 and "conn_close" in functions(closer["stack"])
    dwell = leak["siblings"]
    assert 0 < dwell["dwell_p50_ms"] <= dwell["dwell_p90_ms"] <= dwell["dwell_p99_ms"]
    assert dwell["dwell_p99_ms"] <= dwell["dwell_max_ms"] < 5000
    site = document["sites"][0]
    assert (site["opened"], site["closed"], site["origin"]) == (40, 30, "accept")
    assert site["stack"] == leak["stacks"]["open"]
    assert document["summary"]["sockets_closed"] == 30
    assert document["processes"][0]["ended_by"] == "SIGTERM"


@pytest.mark.parametrize("shown, arguments", [(20, []), (30, ["--all"])])
def test_at_most_20_sockets_of_a_group(start, directory, read_json, shown, arguments):
    assert start([program("leaks_many"), 60, 30], grace="20ms").wait() == 0
    document, _ = read_json(*arguments, directory)
    leak = only_leak(document)
    assert len(leak["sockets"]) == shown and leak["sockets_omitted"] == 30 - shown
    dwells = [held["dwell_ms"] for held in leak["sockets"]]
    assert dwells == sorted(dwells, reverse=True) and dwells[0] == leak["oldest_dwell_ms"]


@pytest.mark.parametrize("how, count", [([], 10), (["child"], 2)])
def test_each_socket_names_the_thread_that_opened_it(start, directory, read_json, how, count):
    run = start([program("thread_ids")] + how, grace="20ms")
    assert run.wait() == 0, run.err
    document, _ = read_json(directory)
    told = [held["thread"] for group in document["groups"] if group["leak"]
            for held in group["sockets"]]
    own = [int(line) for line in run.out.split()]
    assert len(own) == count and sorted(told) == sorted(own), run.err


def test_children_of_two_threads_at_a_time_have_books_of_their_own(start, directory, read_json):
    """What fork() has prepared for its child is not for one that another thread makes meanwhile."""
    run = start([program("two_forkers"), 40], grace="20ms")
    assert run.wait() == 0, run.err
    document, _ = read_json(directory)
    made = {int(line) for line in run.out.split()}
    assert len(made) == 80
    assert made - {process["pid"] for process in document["processes"]} == set()


def test_slow_close(start, directory, read_json):
    assert start([program("closes"), 60, "too_late"], grace="20ms",
                 slow_close="40ms").wait() == 0
    document, _ = read_json(directory)
    fault, = document["faults"]
    assert (fault["name"], fault["count"]) == ("slow-close", 1)
    assert "too_late" in functions(fault["stacks"]["close"])
    assert "main" in functions(fault["stacks"]["open"])


def test_double_close(start, directory, read_json):
    assert start([program("closes"), 60, "twice"], grace="20ms").wait() == 0
    document, _ = read_json(directory)
    fault, = document["faults"]
    assert (fault["name"], fault["count"]) == ("double-close", 1)
    assert "twice" in functions(fault["stacks"]["close"])
    assert "twice" in functions(fault["stacks"]["close_again"])


def test_eof_spin(start, directory, read_json):
    server = start([example("eof_spin"), 0, 3], grace="50ms")
    port = server.port()
    for _ in range(3):
        client(port, b"short")
    server.line("served 3")
    server.end()
    document, _ = read_json(directory)
    fault, = document["faults"]
    assert (fault["name"], fault["count"]) == ("eof-spin", 3)
    assert "read_header" in functions(fault["stacks"]["eof"])


def test_descriptors_exhausted(start, directory, read_json):
    code = ("import resource, socket\n"
            "resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))\n"
            "held = []\n"
            "try:\n"
            "    while True: held.append(socket.socket())\n"
            "except OSError: pass\n")
    assert start([PYTHON, "-c", code], grace="20ms").wait() == 0
    document, _ = read_json(directory)
    fault, = document["faults"]
    assert (fault["name"], fault["count"]) == ("descriptors-exhausted", 1)
    assert 0 < fault["first_ms_before_end"] < 30000


def test_prefork_tree(start, directory, read_json):
    master = start([program("prefork"), 0], grace="20ms", keep="always")
    port = master.port()
    with socket.create_connection(("127.0.0.1", port), traced.DEADLINE) as s:
        s.sendall(b"leak")
        culprit = int(s.makefile().readline())
    await_close_wait(port, 1)
    master.line("worker %d leak" % culprit)
    until_older_than(time.monotonic(), 0.1)
    assert master.end() == 0
    document, _ = read_json(directory)
    held, = only_leak(document)["sockets"]
    assert held["pid"] == culprit and held["holders"] == [culprit]
    forked, = [p for p in document["processes"] if p["pid"] == culprit]
    assert (forked["ppid"], forked["ended_by"]) == (master.pid, "SIGTERM")


def test_a_socket_that_two_processes_hold(start, directory, read_json):
    parent = start([PYTHON, "-c", HEIR], grace="20ms")
    child = int(parent.line(r"child (\d+)").group(1))
    try:
        until_older_than(time.monotonic(), 0.3)
        document, _ = read_json(directory)
        held, = only_leak(document)["sockets"]
        assert held["holders"] == [parent.pid, child]
        assert [p["ended_by"] for p in document["processes"]] == ["running", "running"]
        assert document["session"]["ended"] is None
    finally:
        os.kill(child, signal.SIGKILL)


def test_live_process_against_ss(start, need, read_json):
    need("ss")
    server = start([PYTHON, example("stuck_server.py"), "0"], grace="20ms")
    port = server.port()
    peer = client(port, b"fourteen bytes")
    # Until it is accepted it has no inode.
    until(lambda: [s for s in close_wait(port) if s["ino"] != "0"], "the server to accept it")
    until_older_than(time.monotonic(), 0.2)
    shown, = close_wait(port)
    document, _ = read_json(server.pid)
    leak = only_leak(document)
    held, = leak["sockets"]
    assert held["inode"] == shown["ino"] and int(held["cookie"]) == int(shown["sk"], 16)
    assert (held["local"], held["peer"]) == (shown["local"], shown["peer"])
    assert held["peer"] == peer and held["kernel_state"] == "CLOSE_WAIT"
    # ss counts the FIN.
    assert held["unread_bytes"] == max(shown["queue"] - 1, 0)
    assert held["received_bytes"] == 14
    assert document["processes"][0]["ended_by"] == "running"


def test_killed_process(start, directory, read_json):
    run = start([program("ends"), 60, "wait"], grace="20ms")
    run.line("ready")
    run.end(signal.SIGKILL)
    document, _ = read_json(directory)
    leak = only_leak(document)
    assert (leak["verdict"], leak["dwell_bound"]) == ("eof-ignored", "at_least")
    assert document["processes"][0]["ended_by"] == "killed"
    assert document["session"]["ended"] is None
    assert leak["sockets"][0]["kernel_state"] is None
    assert leak["sockets"][0]["unread_bytes"] is None


def test_nothing_known_of_what_was_open_when_killed(start, directory, closewait, read_json):
    run = start([program("states"), 30000, "still_connected"], grace="20ms")
    until(lambda: traces(directory), "the trace")
    until(lambda: "1 accepted socket" in closewait("report", "--show-open", run.pid).stdout,
          "the connection")
    run.end(signal.SIGKILL)
    document, _ = read_json(directory)
    assert document["summary"]["leaks"] == 0 and document["summary"]["unknown"] >= 1
    assert [g for g in document["groups"] if g["verdict"] == "unknown" and not g["leak"]]


def test_no_findings(start, directory, read_json):
    assert start([program("closes"), 60, "close"], grace="20ms", keep="always").wait() == 0
    document, report = read_json(directory)
    assert document["groups"] == [] and document["faults"] == []
    assert document["processes"][0]["ended_by"] == "exit(0)"
    assert document["summary"]["leaks"] == 0
    assert document["summary"]["sockets_opened"] == 3
    assert document["session"]["command"].endswith("test_closes 60 close")
    assert "no leaks" in report.text


def give_back_processes(path):
    """Makes each process of the trace one that ended cleanly: docs/trace-format.md."""
    with open(path, "r+b") as f:
        data = f.read()
        for index in range(1024):
            tag, = struct.unpack_from("=I", data, 4096 + 8 * index)
            if tag >> 24 == 4:  # CW_EXTENT_PROCESS
                f.seek(16384 * index)
                f.write(struct.pack("=I", 3))  # CW_PROCESS_CLEAN


def test_no_process_left(trace, read_json):
    give_back_processes(trace)
    document, report = read_json(trace)
    assert report.text == "closewait: no leaks: 0 opened, 0 closed, 0 processes\n"
    assert [document[key] for key in ("processes", "groups", "sites", "faults")] == [[]] * 4
    assert document["session"]["command"].endswith("test_ends 60 exit")
    assert document["session"]["started"] and document["session"]["ended"] is None


def test_ipv6(start, directory, read_json):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("there is no IPv6 loopback here")
    server = start([PYTHON, "-c", IPV6_SERVER], grace="20ms")
    address = server.line(r"address (\S+)").group(1)
    until_older_than(time.monotonic(), 0.1)
    server.end()
    document, _ = read_json(directory)
    held, = only_leak(document)["sockets"]
    assert held["protocol"] == "tcp6" and held["peer"] == address
    assert held["local"].startswith("[::1]:")


def test_unix_socket_with_a_path(start, directory, read_json, tmp_path):
    server = start([PYTHON, "-c", UNIX_SERVER, str(tmp_path / "s")], grace="20ms")
    server.line("ready")
    until_older_than(time.monotonic(), 0.1)
    server.end()
    document, _ = read_json(directory)
    held, = only_leak(document)["sockets"]
    assert (held["protocol"], held["local"], held["peer"]) == \
        ("unix", "unix:%s" % (tmp_path / "s"), None)
    assert held["kernel_state"] is None


def test_hostile_names(start, directory, read_json, tmp_path):
    place = os.fsencode(str(tmp_path)) + b"/ends\n\xff\x1b[31m\xe2\x80\xae\"\\"
    shutil.copy(program("ends"), place)
    run = start([os.fsdecode(place), 60, "exit"], grace="20ms")
    assert run.wait() == 7
    document, _ = read_json(directory)
    cleaned = "%s/ends???[31m???\"\\" % tmp_path
    assert document["processes"][0]["executable"] == cleaned
    assert document["processes"][0]["command"] == cleaned + " 60 exit"
    frame = only_leak(document)["stacks"]["eof"][-1]
    assert (frame["function"], frame["module"]) == ("main", cleaned)


def strip(value):
    """Without what is another run's: numbers of processes and sockets, and times."""
    lost = {"session", "pid", "ppid", "thread", "local", "peer", "cookie", "inode", "holders",
            "offset"}
    if isinstance(value, dict):
        return {k: strip(v) for k, v in value.items()
                if k not in lost and not k.endswith("_ms")}
    return [strip(v) for v in value] if isinstance(value, list) else value


def test_two_runs_have_the_same_order(start, tmp_path, read_json):
    documents = []
    for name in ("one", "two"):
        place = str(tmp_path / name)
        run = start([program("eof_rules"), 60, "one_swept_up_and_one_kept"], grace="20ms",
                    dir=place)
        assert run.wait() == 0
        documents.append(strip(read_json(place)[0]))
    assert json.dumps(documents[0]) == json.dumps(documents[1])


def run_json(closewait, schema, tmp_path, *argv):
    """The JSON of `closewait run`."""
    path = tmp_path / "run.json"
    done = closewait("run", "--grace", "20ms", "--dir", tmp_path / "base", "--json", path,
                     "--", *argv)
    document = json.loads(path.read_text())
    schema.validate(document)
    return document, done


def test_run_tells_what_only_it_knows(closewait, schema, tmp_path):
    document, done = run_json(closewait, schema, tmp_path, program("ends"), 60, "exit")
    assert done.returncode == 7 and only_leak(document)["count"] == 1
    session = document["session"]
    assert session["command"] == "%s 60 exit" % program("ends")
    assert session["started"] < session["ended"]
    assert document["processes"][0]["ended_by"] == "exit(7)"


def test_run_of_a_command_that_is_killed(closewait, schema, tmp_path):
    document, done = run_json(closewait, schema, tmp_path, PYTHON, "-c", KILLED)
    assert done.returncode == -signal.SIGKILL
    assert only_leak(document)["verdict"] == "eof-ignored"
    assert document["processes"][0]["ended_by"] == "SIGKILL"
    assert document["session"]["ended"]


def test_run_without_a_socket(closewait, schema, tmp_path):
    document, done = run_json(closewait, schema, tmp_path, "true")
    assert done.returncode == 0 and document["processes"] == []
    assert document["summary"]["sockets_opened"] == 0
    assert document["summary"]["clean_processes"] == 1


@pytest.fixture
def trace(start, directory):
    assert start([program("ends"), 60, "exit"], grace="20ms").wait() == 7
    path, = traces(directory)
    return path


def test_standard_output_is_the_jsons_alone(closewait, trace, schema):
    done = closewait("report", "--json", "-", trace)
    assert done.returncode == 0
    schema.validate(json.loads(done.stdout))
    assert Report(done.stderr).leaks == 1


def test_the_session_is_named_by_its_directory_or_the_trace(trace, read_json, tmp_path):
    document, _ = read_json(trace)
    assert document["session"]["id"] == os.path.basename(os.path.dirname(trace))
    shutil.copy(trace, str(tmp_path / "kept.cwtrace"))
    assert read_json(tmp_path / "kept.cwtrace")[0]["session"]["id"] == "kept.cwtrace"


def test_session_is_of_this_machine_and_time(trace, read_json):
    session = read_json(trace)[0]["session"]
    with open("/proc/sys/kernel/random/boot_id") as f:
        assert session["boot_id"] == f.read().strip()
    assert session["kernel"] == os.uname().release
    assert session["host"] == socket.gethostname()[:63]
    told = [time.strptime(session[key][:19], "%Y-%m-%dT%H:%M:%S")
            for key in ("started", "ended")]
    assert session["started"] < session["ended"]
    assert abs(time.mktime(time.gmtime()) - time.mktime(told[1])) < 60


def test_a_file_that_cannot_be_written(closewait, trace, tmp_path):
    path = tmp_path / "absent" / "report.json"
    done = closewait("report", "--json", path, trace)
    assert done.returncode == 2
    assert done.stderr == "closewait: %s: No such file or directory\n" % path
    assert Report(done.stdout).leaks == 1


def test_a_full_device(closewait, trace):
    done = closewait("report", "--json", "/dev/full", trace)
    assert done.returncode == 2
    assert done.stderr == "closewait: /dev/full: No space left on device\n"
    assert os.path.exists("/dev/full")


def test_the_old_file_is_replaced_whole(closewait, trace, tmp_path, schema):
    path, link = tmp_path / "report.json", tmp_path / "link.json"
    path.write_text("x" * 1000000)
    path.chmod(0o640)
    link.symlink_to(path)
    assert closewait("report", "--json", link, trace).returncode == 0
    schema.validate(json.loads(path.read_text()))
    assert link.is_symlink() and path.stat().st_mode & 0o777 == 0o640
    assert sorted(p.name for p in tmp_path.glob("*.json*")) == ["link.json", "report.json"]


def test_a_new_file_obeys_the_umask(trace, tmp_path):
    old = os.umask(0o027)
    try:
        subprocess.run([COMMAND, "report", "--json", str(tmp_path / "r"), trace], check=True,
                       stdout=subprocess.DEVNULL)
    finally:
        os.umask(old)
    assert (tmp_path / "r").stat().st_mode & 0o777 == 0o640


def test_several_sessions_are_refused(start, directory, closewait, tmp_path):
    for _ in range(2):
        assert start([program("ends"), 60, "exit"], grace="20ms").wait() == 7
    done = closewait("report", "--json", tmp_path / "r", directory)
    assert done.returncode == 2 and "more than one session" in done.stderr
    assert not (tmp_path / "r").exists()


def test_truncated_trace(closewait, trace, tmp_path, schema):
    path = tmp_path / "a.cwtrace"
    for extents in range(1, 6):
        with open(trace, "rb") as f:
            path.write_bytes(f.read(extents * 16384 - 8))
        done = closewait("report", "--json", "-", path)
        if done.returncode == 0:
            document = json.loads(done.stdout)
            schema.validate(document)
            assert document["summary"]["lost"]["ends-of-traces"] == 1


def test_damaged_traces_give_valid_json(closewait, trace, tmp_path, schema):
    path = tmp_path / "a.cwtrace"
    with open(trace, "rb") as f:
        whole = f.read(16384 * 16)
    dice = random.Random(2)
    valid = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(dice.choice((1, 20, 400))):
            damaged[dice.randrange(200, len(damaged))] = dice.randrange(256)
        path.write_bytes(damaged)
        done = closewait("report", "--all", "--json", "-", path)
        assert done.returncode in (0, 2), done.stderr
        if done.returncode == 0:
            schema.validate(json.loads(done.stdout))
            valid += 1
    assert valid > 10
