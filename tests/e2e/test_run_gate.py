# SPDX-License-Identifier: MIT
"""closewait run as a gate: what is traced, what fails, and what it must not overlook."""
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from reports import Report
from runs import GRACE, HOLD, holds_leak
from traced import COMMAND, DEADLINE, LIBRARY, PYTHON, files_below, program, tool, traces


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
