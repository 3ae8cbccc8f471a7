# SPDX-License-Identifier: MIT
"""closewait run: as if nobody stood between the command and whoever started it."""
import json
import os
import pty
import re
import signal
import socket
import subprocess
import time

import pytest

from reports import Report, named
from runs import GRACE, HOLD, holds_leak
from traced import (COMMAND, DEADLINE, PYTHON, client, default_signals, environment, example,
                    files_below, program, tool, traces, until, until_older_than)


# The end of the command

@pytest.mark.parametrize("status", [0, 1, 7, 125, 126, 127, 255])
def test_status_is_the_commands(run, status):
    one = run(command=["sh", "-c", "exit %d" % status])
    assert one.wait() == status
    assert re.fullmatch(r"closewait: no leaks: 0 opened, 0 closed, \d process(es)?\n", one.err)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGHUP])
def test_death_by_a_signal_is_the_commands(run, number):
    one = run(command=["sh", "-c", "kill -%d $$" % number])
    assert one.wait() == -number, one.err


def test_output_and_input_are_the_commands(run):
    one = run("--quiet", command=["sh", "-c", "cat; echo err >&2"], stdin=subprocess.PIPE)
    one.process.stdin.write(b"through\n")
    one.process.stdin.close()
    assert one.wait() == 0
    assert (one.out, one.err) == ("through\n", "err\n")


def test_descriptors_and_signals_are_the_commands(start, run, tmp_path):
    look = ["sh", "-c", "ls /proc/self/fd; grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status"]
    native = start(look, preload=False)
    traced = run("--quiet", command=look)
    assert (native.wait(), traced.wait()) == (0, 0)
    # grep and ls have the library's handlers, which it hides from them: not from /proc.
    hidden = r"SigCgt.*\n"
    assert re.sub(hidden, "", traced.out) == re.sub(hidden, "", native.out)


# Signals on the way

@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM,
                                    signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH])
def test_signal_is_passed_on_once(run, number):
    one = run("--quiet", command=[PYTHON, program("counts_signals.py")], stdin=subprocess.PIPE)
    one.line("ready")
    os.kill(one.pid, number)
    one.line("got %d" % number)
    one.process.stdin.write(b"\n")
    one.process.stdin.close()
    assert one.wait() == 7
    assert "%d: 1\n" % number in one.out


def read_until(fd, pattern):
    """What a terminal shows, up to a pattern."""
    text = b""
    while not re.search(pattern, text):
        try:
            part = os.read(fd, 4096)
        except OSError:
            part = b""
        assert part, text
        text += part
    return text.decode()


def test_interrupt_from_the_terminal_reaches_the_command_once(directory, tmp_path, terminals):
    argv = [COMMAND, "run", "--dir", directory, "--", PYTHON, program("counts_signals.py")]
    pid, terminal = pty.fork()
    if pid == 0:
        default_signals()
        os.execve(argv[0], argv, environment(False, None, None))
    read_until(terminal, rb"ready \d+\r\n")
    os.write(terminal, b"\x03")
    read_until(terminal, rb"got 2\r\n")
    os.write(terminal, b"\n")
    shown = read_until(terminal, rb"process(es)?\r\n")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    os.close(terminal)
    assert "2: 1\r\n" in shown
    assert "closewait: no leaks" in shown


def test_report_comes_after_an_interrupt_that_ends_the_command(directory, terminals):
    argv = [COMMAND, "run", "--dir", directory, "--grace", GRACE, "--exitcode", "23", "--"]
    argv += [str(word) for word in holds_leak(2, "wait")]
    pid, terminal = pty.fork()
    if pid == 0:
        default_signals()
        os.execve(argv[0], argv, environment(False, None, None))
    read_until(terminal, rb"ready\r\n")
    os.write(terminal, b"\x03")
    shown = read_until(terminal, rb"nothing lost\.\r\n")
    assert "LEAK: 2 sockets" in shown and "ended by SIGINT" in shown
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 23
    os.close(terminal)


def test_command_stays_in_the_terminals_foreground(directory, terminals):
    argv = [COMMAND, "run", "--dir", directory, "--", "sh", "-c", "read line; echo got $line"]
    pid, terminal = pty.fork()
    if pid == 0:
        default_signals()
        os.execve(argv[0], argv, environment(False, None, None))
    os.write(terminal, b"hello\n")
    assert "got hello" in read_until(terminal, rb"process(es)?\r\n")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)


def test_ignored_signals_stay_ignored(directory, tmp_path):
    script = 'trap "" INT; exec "$@"'
    argv = ["sh", "-c", script, "sh", COMMAND, "run", "--dir", directory, "--", "sh", "-c",
            "kill -INT $$; echo alive"]
    done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=DEADLINE,
                          env=environment(False, None, None))
    assert (done.returncode, done.stdout) == (0, b"alive\n")


def test_ignored_sigchld_is_the_commands_and_does_not_keep_us_waiting(directory):
    argv = [COMMAND, "run", "--dir", directory, "--", "grep", "^SigIgn", "/proc/self/status"]
    done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=DEADLINE,
                          env=environment(False, None, None),
                          preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert done.returncode == 0
    ignored = int(done.stdout.split()[1], 16)
    assert ignored & 1 << (signal.SIGCHLD - 1)


# The report

def test_seeds_server_killed_with_9(run, need):
    """One report, the socket in it, and the status tells of the signal."""
    one = run("--sample", "off", command=[PYTHON, "-u", example("stuck_server.py"), 0])
    peer = client(one.port(), b"Hello, server!")
    one.line("received 14 bytes")
    server = int(subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(one.pid)]))
    os.kill(server, signal.SIGKILL)
    assert one.wait() == -signal.SIGKILL
    report = Report(one.err)
    assert "ended by SIGKILL" in report.text, report.text
    group = report.group("unknown")
    assert group.count == 1 and peer in group.text, report.text
    assert one.err.count("closewait:") == 1 + one.err.count("(all: closewait:"), one.err


def test_c_server_killed_with_9(run, directory):
    one = run("--grace", "1ms", command=[example("eof_ignored"), 0, 8])
    port = one.port()
    for i in range(8):
        client(port, b"half") if i % 2 else client(port, b"all\n", 3)
    one.line("served 8")
    server = int(subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(one.pid)]))
    os.kill(server, signal.SIGKILL)
    assert one.wait() == -signal.SIGKILL
    report = Report(one.err)
    group = report.only()
    assert (group.verdict, group.count) == ("eof-ignored", 4), report.text
    assert named(group.stack("EOF read"), "read_request", "serve_conn"), report.text
    assert re.search(r"read_request +eof_ignored\.c:\d+", report.text), report.text
    # It is kept, and says the same later.
    again = subprocess.run([COMMAND, "report", os.path.dirname(traces(directory)[0])],
                           stdout=subprocess.PIPE, encoding="utf-8", timeout=DEADLINE)
    assert again.returncode == 0
    assert Report(again.stdout).only().count == 4 and "SIGKILL" in again.stdout


def ask(port, request):
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as s:
        s.sendall(request)
        return int(s.makefile().readline())


def test_prefork_tree_is_one_report(run):
    one = run("--grace", GRACE, command=[program("prefork"), 0, 4])
    port = one.port()
    culprit = ask(port, b"leak")
    served = {culprit}
    until(lambda: served.add(ask(port, b"close")) or len(served) == 4, "each worker to serve")
    one.line(r"worker %d leak" % culprit)
    until_older_than(time.monotonic(), 0.1)
    assert one.end() == 0, one.err
    report = Report(one.err)
    assert one.err.count("closewait: ") == 1, one.err
    assert (report.leaks, report.pid) == (1, culprit), one.err
    assert report.only().verdict == "eof-ignored"
    assert "in 5 processes: " in report.text, one.err


def test_leaks_of_two_workers_are_one_place_and_name_both(run):
    one = run("--grace", GRACE, command=[program("prefork"), 0])
    port = one.port()
    pids = set()
    until(lambda: pids.add(ask(port, b"leak")) or len(pids) == 2, "both workers to leak")
    for pid in pids:
        one.line(r"worker %d leak" % pid)
    until_older_than(time.monotonic(), 0.1)
    assert one.end() == 0, one.err
    report = Report(one.err)
    assert re.search(r"^closewait: LEAK: \d+ sockets, 1 place\. .*, 2 of 3 processes$",
                     one.err, re.M), one.err
    for pid in pids:
        assert re.search(r"^  pid %d \(forked from \d+\), up .*: \d+ leaks?$" % pid, one.err,
                         re.M), one.err
    shown = {int(pid) for pid in re.findall(r"^  pid (\d+) fd \d+ ", one.err, re.M)}
    assert shown and shown <= pids, one.err
    assert len([g for g in report.groups if g.verdict == "eof-ignored"]) == 1


HELPERS = r"""
import os, socket, subprocess, sys
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(5)
print("listening on 127.0.0.1:%d" % s.getsockname()[1], flush=True)
conn, _ = s.accept()
assert conn.recv(100) == b""
os.set_inheritable(conn.fileno(), True)
for i in range(3):
    subprocess.check_call(["/bin/sh", "-c", "exec /bin/true"], close_fds=False)
helper = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, close_fds=False)
print("helped", flush=True)
sys.stdin.readline()
helper.stdin.close()
helper.wait()
"""


def test_server_that_execs_helpers_is_blamed_once(run):
    one = run("--grace", GRACE, command=[PYTHON, "-c", HELPERS], stdin=subprocess.PIPE)
    client(one.port())
    one.line("helped")
    until_older_than(time.monotonic(), 0.1)
    one.process.stdin.write(b"\n")
    one.process.stdin.close()
    assert one.wait() == 0, one.err
    report = Report(one.err)
    assert (report.leaks, report.only().verdict) == (1, "eof-ignored"), one.err
    assert PYTHON in report.command


KILLED_CHILD = r"""
import os, signal, socket, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(5)
peer = socket.create_connection(s.getsockname())
conn, _ = s.accept()
ready, told = os.pipe()
child = os.fork()
if child == 0:
    conn.send(b"x")
    os.write(told, b"x")
    signal.pause()
os.read(ready, 1)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
peer.recv(1)
peer.close()
assert conn.recv(1) == b""
time.sleep(0.1)
os._exit(0)
"""


def test_a_child_that_was_killed_holds_nothing_any_more(run, tmp_path):
    path = tmp_path / "report.json"
    one = run("--grace", GRACE, "--json", str(path), command=[PYTHON, "-c", KILLED_CHILD])
    assert one.wait() == 0, one.err
    report = Report(one.err)
    assert report.leaks == 1 and "also held by" not in report.text, one.err
    socket_, = json.loads(path.read_text())["groups"][0]["sockets"]
    assert socket_["holders"] == [report.pid]


def test_clean_run_is_one_line_and_leaves_nothing(run, directory):
    one = run(command=[program("cpp_server"), 30] if os.path.exists(program("cpp_server"))
              else [program("many_threads"), 30])
    assert one.wait() == 0
    assert re.fullmatch(r"closewait: no leaks: (\d+) opened, \1 closed, 1 process\n", one.err)
    assert files_below(directory) == []


TREE = r"""
import os, socket, subprocess
socket.socket().close()
for i in range(5):
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
for i in range(3):
    subprocess.check_call(["sh", "-c", "exec /bin/true"])
"""


def test_every_process_is_counted_once(run):
    """The command, five that it forked, three that it spawned: each of these execs once more."""
    one = run(command=[PYTHON, "-c", TREE])
    assert one.wait() == 0
    assert one.err == "closewait: no leaks: 1 opened, 1 closed, 9 processes\n"


def test_quiet_leaves_only_findings(run):
    assert run("--quiet", command=["true"]).wait() == 0
    silent = run("--quiet", command=["true"])
    assert silent.wait() == 0 and silent.err == ""
    told = run("--quiet", "--grace", GRACE, command=holds_leak(1, "exit"))
    assert told.wait() == 0 and Report(told.err).leaks == 1


def test_report_goes_to_the_file_that_is_named(run, tmp_path):
    path = tmp_path / "report.txt"
    one = run("--report", str(path), "--grace", GRACE, command=holds_leak(2, "exit"))
    assert one.wait() == 0 and one.err == ""
    assert Report(path.read_text()).leaks == 2


def test_report_that_cannot_be_written_is_not_lost(run, closewait, directory):
    one = run("--report", "/proc/no/report", "--grace", GRACE, command=holds_leak(2, "exit"))
    assert one.wait() == 125
    assert one.err == "closewait: /proc/no/report: No such file or directory\n"
    assert Report(closewait("report", directory).stdout).leaks == 2


def test_worker_that_outlives_its_master_is_waited_for(run):
    script = '"$@" & sleep 0.2; exit 3'
    one = run("--grace", GRACE, command=["sh", "-c", script, "sh", program("holds_leak"),
                                         "2", "500", "exit"])
    assert one.wait() == 3
    report = Report(one.err)
    assert report.leaks == 2 and "ended by exit(0)" in report.end, one.err


def test_child_whose_parent_exits_at_once_is_waited_for(run):
    """The command looks before the child has begun: in some of the rounds at least."""
    for _ in range(8):
        one = run("--grace", GRACE, command=[program("holds_leak"), "1", str(HOLD), "fork", "0"])
        assert one.wait() == 0
        assert Report(one.err).leaks == 1, one.err


def test_daemon_that_stays_is_told_to_be_running(run, directory, tmp_path):
    script = 'mkfifo "$0" && { "$@" >"$0" & head -n 1 "$0"; }'
    one = run("--wait", "100ms", "--grace", GRACE, command=[
        "sh", "-c", script, str(tmp_path / "fifo"), program("holds_leak"), "1", str(HOLD), "wait"])
    assert one.wait() == 0
    report = Report(one.err)
    assert report.leaks == 1 and report.end.endswith("running"), one.err
    os.kill(report.pid, signal.SIGKILL)
    assert traces(directory)


# As process 1

def test_as_process_one_it_reaps_and_passes_signals_on(start, directory):
    unshare = [tool("unshare") or "unshare", "--pid", "--fork", "--mount-proc"]
    if os.geteuid() != 0:
        unshare.insert(1, "-r")
    tried = subprocess.run(unshare + ["true"], stderr=subprocess.PIPE)
    if tried.returncode:
        pytest.skip("no pid namespace: " + tried.stderr.decode().strip())
    orphans = ('for i in 1 2 3; do (sh -c "exit 0" &); done; '
               'while ps -o stat= -A | grep -q "^Z"; do :; done; echo all reaped; exit 4')
    one = start(unshare + [COMMAND, "run", "--quiet", "--dir", directory, "--", "sh", "-c",
                           orphans], preload=False)
    assert one.wait() == 4, one.err
    assert one.out == "all reaped\n"


def test_as_process_one_it_passes_signals_on(start, directory, tmp_path):
    unshare = [tool("unshare") or "unshare", "--pid", "--fork", "--mount-proc"]
    if os.geteuid() != 0:
        unshare.insert(1, "-r")
    tried = subprocess.run(unshare + ["true"], stderr=subprocess.PIPE)
    if tried.returncode:
        pytest.skip("no pid namespace: " + tried.stderr.decode().strip())
    one = start(unshare + [COMMAND, "run", "--quiet", "--dir", directory, "--",
                           PYTHON, program("counts_signals.py")], preload=False,
                stdin=subprocess.PIPE)
    one.line("ready 2$")
    init = int(subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(one.pid)]))
    os.kill(init, signal.SIGUSR1)
    one.line("got %d" % signal.SIGUSR1)
    one.process.stdin.close()
    assert one.wait() == 7, one.err
