# SPDX-License-Identifier: MIT
"""closewait run: as if nobody stood between the command and whoever started it."""
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from reports import Report, named
from traced import (COMMAND, DEADLINE, LIBRARY, PYTHON, client, default_signals, environment,
                    example, files_below, program, tool, traces, until, until_older_than)

GRACE = "20ms"
HOLD = 60  # ms; longer than GRACE


@pytest.fixture
def run(start, directory):
    """run(*options, command=[…]) starts `closewait run` with its sessions in `directory`."""
    def start_it(*options, command, **others):
        argv = [COMMAND, "run", "--dir", directory] + list(options) + ["--"] + command
        return start(argv, preload=False, **others)
    return start_it


def holds_leak(count, *how):
    return [program("holds_leak"), count, HOLD] + list(how)


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


def test_interrupt_from_the_terminal_reaches_the_command_once(directory, tmp_path):
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


def test_report_comes_after_an_interrupt_that_ends_the_command(directory):
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


def test_command_stays_in_the_terminals_foreground(directory):
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
    one = run(command=[PYTHON, "-u", example("stuck_server.py"), 0])
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
    one = run(command=[example("eof_ignored"), 0, 8])
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


def test_daemon_that_stays_is_told_to_be_running(run, directory, tmp_path):
    script = 'mkfifo "$0" && { "$@" >"$0" & head -n 1 "$0"; }'
    one = run("--wait", "100ms", "--grace", GRACE, command=[
        "sh", "-c", script, str(tmp_path / "fifo"), program("holds_leak"), "1", str(HOLD), "wait"])
    assert one.wait() == 0
    report = Report(one.err)
    assert report.leaks == 1 and report.end.endswith("running"), one.err
    os.kill(report.pid, signal.SIGKILL)
    assert traces(directory)


# What is traced, and what not

def test_ld_preload_of_the_user_stays(run, tmp_path):
    one = run("--quiet", command=["sh", "-c", "echo $LD_PRELOAD"],
              env={"LD_PRELOAD": "libm.so.6"})
    one.process.wait(DEADLINE)
    if "ASan runtime does not come first" in one.err:
        pytest.skip("this build's own command takes no LD_PRELOAD")
    assert one.wait() == 0
    assert one.out == "%s:libm.so.6\n" % LIBRARY


def test_options_of_the_user_stay(run):
    one = run("--quiet", command=["sh", "-c", "echo $CLOSEWAIT_OPTIONS"],
              env={"CLOSEWAIT_OPTIONS": "unwind=full"})
    assert one.wait() == 0
    assert re.match(r"unwind=full:session='/", one.out), one.out


def test_address_sanitizer_comes_first(run, tmp_path, need):
    compiler = need("cc")
    source = tmp_path / "leaks.c"
    source.write_text("""
#include <sys/socket.h>
#include <unistd.h>
int main(void) {
	int ends[2]; char byte;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || close(ends[0]) || read(ends[1], &byte, 1))
		return 1;
	usleep(100000);
	return 0;
}
""")
    done = subprocess.run([compiler, "-fsanitize=address", "-o", str(tmp_path / "leaks"),
                           str(source)], stderr=subprocess.PIPE)
    if done.returncode:
        pytest.skip("no AddressSanitizer: " + done.stderr.decode().splitlines()[-1])
    one = run("--exitcode", "23", "--grace", GRACE, command=[str(tmp_path / "leaks")])
    assert one.wait() == 23, one.err
    assert Report(one.err).only().verdict == "eof-ignored", one.err
    assert "ASan runtime does not come first" not in one.err


@pytest.mark.parametrize("given", ["keep=never", "report=none", "report=stderr:keep=always",
                                   "signals=no", "exitcode=0", "dir=/proc"])
def test_options_of_the_user_do_not_blind_the_gate(run, given):
    one = run("--exitcode", "23", "--grace", GRACE, command=holds_leak(2, "exit"),
              env={"CLOSEWAIT_OPTIONS": given})
    assert one.wait() == 23, one.err
    assert Report(one.err).leaks == 2 and one.err.count("closewait: LEAK") == 1, one.err


@pytest.fixture
def static_program(tmp_path, need):
    compiler = need("cc")
    (tmp_path / "static.c").write_text("int main(void) { return 0; }\n")
    done = subprocess.run([compiler, "-static", "-o", str(tmp_path / "static"),
                           str(tmp_path / "static.c")], stderr=subprocess.PIPE)
    if done.returncode:
        pytest.skip("no static libc: " + done.stderr.decode().splitlines()[-1])
    return str(tmp_path / "static")


def test_a_gate_does_not_pass_by_not_looking(run, static_program):
    one = run("--exitcode", "23", command=[static_program])
    assert one.wait() == 125
    assert "closewait: warning: " in one.err and "static" in one.err
    assert "the library was loaded in no process" in one.err.splitlines()[-1]


def test_without_a_gate_a_program_that_cannot_be_traced_still_runs(run, static_program):
    one = run(command=[static_program])
    assert one.wait() == 0
    assert "the library was loaded in no process" in one.err


@pytest.mark.parametrize("command, status, words", [
    (["closewait-no-such-command"], 127, "command not found"),
    (["/etc/passwd"], 126, "cannot be executed"),
    (["/"], 126, "cannot be executed"),
])
def test_command_that_cannot_be_started(run, directory, command, status, words):
    one = run(command=command)
    assert one.wait() == status
    assert one.err == "closewait: %s: %s\n" % (command[0], words)
    assert files_below(directory) == []


@pytest.mark.parametrize("options", [["--no-such-option"], ["--exitcode", "0"],
                                     ["--exitcode", "256"], ["--exitcode", "x"],
                                     ["--grace", "soon"], ["--wait", "-1"], ["--max-leaks", "-1"],
                                     ["--annotate", "gitlab"]])
def test_bad_options_are_named(options):
    done = subprocess.run([COMMAND, "run"] + options + ["--", "true"], stderr=subprocess.PIPE,
                          encoding="utf-8", timeout=DEADLINE)
    assert done.returncode == 125
    line, = done.stderr.splitlines()
    assert line.startswith("closewait") and options[0].lstrip("-") in line


def test_no_command_at_all():
    done = subprocess.run([COMMAND, "run", "--quiet"], stderr=subprocess.PIPE,
                          encoding="utf-8", timeout=DEADLINE)
    assert done.returncode == 125 and "no command" in done.stderr


def test_directory_that_cannot_be_used(start):
    one = start([COMMAND, "run", "--dir", "/proc/closewait", "--", "true"], preload=False)
    assert one.wait() == 125
    assert re.fullmatch(r"closewait: /proc/closewait: .*\n", one.err)


def test_directory_whose_path_is_too_long_is_refused(start, tmp_path):
    """The library takes so much of a path; cut, it would be another directory's."""
    long = tmp_path / ("a" * 120) / ("b" * 120)
    os.makedirs(str(long.parent))
    one = start([COMMAND, "run", "--dir", str(long), "--"] + holds_leak(1, "exit"), preload=False)
    assert one.wait() == 125
    assert one.err == "closewait: %s: its path is too long to be told to the library\n" % long


# The gate

@pytest.mark.parametrize("leaks, how, status", [
    (0, ["exit", 0], 0),
    (2, ["exit", 0], 23),
    (0, ["exit", 9], 9),
    (2, ["exit", 9], 9),
])
def test_exitcode(run, leaks, how, status):
    one = run("--exitcode", "23", "--grace", GRACE, command=holds_leak(leaks, *how))
    assert one.wait() == status, one.err
    assert Report(one.err).leaks == leaks


@pytest.mark.parametrize("leaks, handler, passed_on, status", [
    (2, [], True, 23),
    (0, [], True, -signal.SIGTERM),
    (2, [], False, -signal.SIGTERM),
    (2, [0], True, 23),
    (2, [143], True, 23),
    (2, [1], True, 1),
    (2, [143], False, 143),
])
def test_exitcode_and_signals(run, leaks, handler, passed_on, status):
    """A death by the signal that run itself passed on is no failure of the command."""
    one = run("--exitcode", "23", "--grace", GRACE, command=holds_leak(leaks, "wait", *handler))
    one.line("ready")
    if passed_on:
        os.kill(one.pid, signal.SIGTERM)
    else:
        command = int(subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(one.pid)]))
        os.kill(command, signal.SIGTERM)
    assert one.wait() == status, one.err
    assert Report(one.err).leaks == leaks


def test_grace_is_heeded_and_what_it_spares_is_told(run):
    one = run("--exitcode", "23", "--grace", "10m", command=holds_leak(2, "exit", 0))
    assert one.wait() == 0, one.err
    assert re.fullmatch(r"closewait: no leaks: 6 opened, 4 closed, 1 process; 2 not judged: .*\n",
                        one.err), one.err


@pytest.fixture
def open_place():
    """A directory that another user can come to, and what that user can run there."""
    if os.geteuid() != 0 or not tool("setpriv"):
        pytest.skip("needs root, and setpriv")
    place = tempfile.mkdtemp(prefix="closewait-test-", dir="/dev/shm")
    os.chmod(place, 0o711)
    for path in (program("holds_leak"), LIBRARY):
        shutil.copy(path, place)
    yield place
    shutil.rmtree(place)


AS_NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def test_gate_sees_what_another_user_leaks(start, open_place):
    """Root's command becomes somebody else, who may not write where root's traces are."""
    leaks = [os.path.join(open_place, "test_holds_leak"), 2, HOLD, "exit"]
    reached = subprocess.run(AS_NOBODY + [LIBRARY], stderr=subprocess.PIPE)
    if b"ermission" in reached.stderr and not os.access(LIBRARY, os.X_OK):
        pytest.skip("the library cannot be reached by another user")
    one = start([COMMAND, "run", "--dir", open_place, "--exitcode", "23", "--grace", GRACE, "--"]
                + AS_NOBODY + leaks, preload=False)
    status = one.wait()
    if "cannot be preloaded" in one.err:
        pytest.skip("the library cannot be reached by another user")
    assert status == 23, one.err
    assert Report(one.err).leaks == 2 and one.err.count("closewait: ") == 1, one.err


DROPS = r"""
import os, socket, time
os.setgroups([]); os.setgid(65534); os.setuid(65534)
a, b = socket.socketpair()
a.close()
assert b.recv(1) == b""
time.sleep(0.2)
os._exit(0)
"""


def test_gate_sees_a_server_that_drops_its_privileges(start, open_place):
    one = start([COMMAND, "run", "--dir", open_place, "--exitcode", "23", "--grace", GRACE, "--",
                 PYTHON, "-c", DROPS], preload=False)
    assert one.wait() == 23, one.err
    assert Report(one.err).leaks == 1 and one.err.count("closewait: ") == 1, one.err
    assert all(os.stat(os.path.join(open_place, name)).st_mode & 0o777 == 0o700
               for name in os.listdir(open_place) if re.match(r"\d+-\d+$", name))


LATE = r"""
import socket, sys, time
print("loaded", flush=True)
time.sleep(0.5)
a, b = socket.socketpair()
a.close()
assert b.recv(1) == b""
time.sleep(0.2)
"""


def test_process_that_opens_its_first_socket_late_is_waited_for(run, tmp_path):
    """The command has ended, and nothing is in a trace yet."""
    script = 'mkfifo "$0" && { "$@" >"$0" & head -n 1 "$0"; }'
    one = run("--exitcode", "23", "--wait", "20s", "--grace", GRACE,
              command=["sh", "-c", script, str(tmp_path / "fifo"), PYTHON, "-c", LATE])
    assert one.wait() == 23, one.err
    assert Report(one.err).leaks == 1, one.err


def test_max_leaks(run):
    for most, status in ((1, 23), (2, 0), (3, 0)):
        one = run("--exitcode", "23", "--max-leaks", most, "--grace", GRACE,
                  command=holds_leak(2, "exit", 0))
        assert one.wait() == status, one.err


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


# What is kept

def test_kept_sessions_are_listed_and_cleaned(run, closewait, directory):
    one = run("--grace", GRACE, command=holds_leak(2, "exit"))
    assert one.wait() == 0
    session = os.path.dirname(traces(directory)[0])
    listed = closewait("list", "--dir", directory)
    line, = listed.stdout.splitlines()
    assert session in line and "ended" in line and "holds_leak" in line
    assert Report(closewait("report", session).stdout).leaks == 2
    cleaned = closewait("clean", "--dir", directory)
    assert re.match(r"removed 1 session, \d+ KiB$", cleaned.stdout)
    assert files_below(directory) == [] and os.listdir(directory) == []


def test_arguments_need_not_be_text(run, closewait, directory):
    hostile = os.fsdecode(b"\xff\n\x1b[31m")
    one = run("--keep", command=["sh", "-c", "kill -9 $$", hostile])
    assert one.wait() == -signal.SIGKILL
    line, = closewait("list", "--dir", directory).stdout.splitlines()
    assert line.endswith("sh -c 'kill -9 $$' '???[31m'"), line


def test_a_kept_trace_that_is_empty_is_not_every_runs_concern(run, closewait, directory):
    """So it is left by a process that was killed while it made the trace."""
    session = os.path.join(directory, "999999-1")
    os.makedirs(session, mode=0o700)
    os.chmod(directory, 0o700)
    open(os.path.join(session, "999999.0.cwtrace"), "w").close()
    one = run("--quiet", command=["true"])
    assert (one.wait(), one.err) == (0, "")
    assert closewait("list", "--dir", directory).stderr == ""
    cleaned = closewait("clean", "--dir", directory)
    assert cleaned.stderr == "" and cleaned.stdout.startswith("removed 1 session, ")


def test_session_that_runs_is_not_cleaned(run, closewait, directory):
    one = run("--grace", GRACE, command=holds_leak(1, "wait"))
    one.line("ready")
    assert "running" in closewait("list", "--dir", directory).stdout
    assert "1 still runs" in closewait("clean", "--dir", directory).stdout
    # A live session's report is that of the moment.
    report = Report(closewait("report", directory).stdout)
    assert report.leaks == 1 and report.end.endswith("running"), report.text
    one.end()
    assert Report(one.err).leaks == 1, one.err


@pytest.mark.parametrize("mode", [0o700, 0o755])
@pytest.mark.parametrize("name", ["uploaded", "my-session.json", "tax.report.txt", "a.cwtrace",
                                  "photo.jpg"])
def test_what_is_no_session_is_not_cleaned(closewait, tmp_path, name, mode):
    month = tmp_path / "base" / "2024-01"
    month.mkdir(parents=True)
    write = month / name
    write.write_text("mine")
    month.chmod(mode)
    done = closewait("clean", "--dir", tmp_path / "base")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "removed 0 sessions, 0 KiB\n")
    assert write.read_text() == "mine"
    assert closewait("list", "--dir", tmp_path / "base").stdout == ""


@pytest.mark.long
@pytest.mark.parametrize("name, stays", [("photo.jpg", True), ("12.0.cwtrace", False)])
def test_library_makes_room_by_removing_sessions_alone(start, directory, name, stays):
    month = os.path.join(directory, "2024-01")
    os.makedirs(month, mode=0o700)
    os.chmod(directory, 0o700)
    path = os.path.join(month, name)
    with open(path, "wb") as f:
        os.posix_fallocate(f.fileno(), 0, 257 << 20)
    assert start(holds_leak(1, "exit")).wait() == 0
    assert os.path.exists(path) == stays


def test_a_base_that_is_a_link_is_nobodys(closewait, tmp_path):
    """Another user can plant one in /tmp."""
    session = tmp_path / "victim" / "2024-01"
    session.mkdir(parents=True, mode=0o700)
    (session / "session.json").write_text("mine")
    (tmp_path / "closewait").symlink_to(tmp_path / "victim")
    done = subprocess.run([COMMAND, "clean"], stdout=subprocess.PIPE, timeout=DEADLINE,
                          env=environment(False, None, None, {"XDG_RUNTIME_DIR": str(tmp_path)}))
    assert done.returncode == 0
    assert (session / "session.json").read_text() == "mine"


def test_report_without_a_name_takes_the_newest_session(start, tmp_path):
    env = {"XDG_RUNTIME_DIR": str(tmp_path)}
    for count in (1, 3):
        one = start([COMMAND, "run", "--grace", GRACE, "--"] + holds_leak(count, "exit"),
                    preload=False, env=env)
        assert one.wait() == 0
        until_older_than(time.monotonic(), 1.1)
    done = subprocess.run([COMMAND, "report"], stdout=subprocess.PIPE, encoding="utf-8",
                          timeout=DEADLINE, env=environment(False, None, None, env))
    assert done.returncode == 0 and Report(done.stdout).leaks == 3


def test_explain_knows_every_word(closewait):
    from reports import FAULTS, VERDICTS
    listed = closewait("explain").stdout
    for word in VERDICTS + FAULTS:
        assert re.search(r"^%s " % word, listed, re.M)
        explained = closewait("explain", word)
        assert explained.returncode == 0 and explained.stdout.startswith(word + ": ")
    wrong = closewait("explain", "eof")
    assert wrong.returncode == 2 and "eof: no such verdict" in wrong.stderr


@pytest.mark.parametrize("verb", ["run", "report", "list", "clean", "explain", "doctor", ""])
def test_help_fits_a_screen(closewait, verb):
    done = closewait(*filter(None, [verb, "--help"]))
    assert done.returncode == 0 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].startswith("usage: closewait") and len(lines) <= 35
    assert max(map(len, lines)) <= 90
