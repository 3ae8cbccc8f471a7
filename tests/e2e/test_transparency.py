# SPDX-License-Identifier: MIT
"""Every program of tests/programs is the same with the library and without."""
import os
import re

import pytest

from test_eof_rules import listed as eof_rules
from test_host_unharmed import REFUSALS, dispositions
from traced import LIBRARY, program
from transparency import differences

HOLD = 15  # ms; longer than GRACE
GRACE = "5ms"


def programs():
    """Programs whose output is the same whenever they run."""
    runs = [["eof_rules", HOLD, case] for case, _, _ in eof_rules()]
    runs += [["close_refused", HOLD, way] for way in REFUSALS]
    runs += [["ends", HOLD, way] for way in (
        "return", "exit", "_exit", "_Exit", "quick_exit", "pthread_exit", "raise", "kill",
        "pthread_kill", "abort", "fault", "handler", "handler_raises")]
    runs += [["accept_room", HOLD], ["alloca_depths", 1, 200],
             ["cancelled_close", HOLD], ["closes", HOLD, "each_dup"], ["coroutines", 5],
             ["cpp_server", 30], ["exec_fails", "absent", "exit"], ["forks_many", 30, "killed"],
             ["exec_fails", "absent", "kill"],
             ["first_in_handler", HOLD, "alone"], ["first_in_handler", HOLD, "threads"],
             ["fork_in_dlopen", "libm.so.6", 10, "used"], ["forks_interrupted", HOLD, 20],
             ["forks_many", 30, "leaking"], ["forks_many", 30, "forking"],
             ["heirs"], ["hello", HOLD],
             ["high_numbers", HOLD, 900, "leak"], ["high_numbers", HOLD, 900, "close"],
             ["holds_leak", 3, HOLD, "exit", 5],
             ["leaks_many", HOLD, 200], ["left_midway", HOLD], ["many_threads", 30],
             ["no_socket"], ["raise_blocked", "raise"], ["raise_blocked", "kill"],
             ["raise_blocked", "pthread_kill"], ["recv_reused", HOLD, "live"],
             ["recv_reused", HOLD, "left"], ["signal_altstack", 100], ["small_stacks"],
             ["static_stacks", HOLD, "handler"], ["static_stacks", HOLD, "coroutine"],
             ["static_stacks", HOLD, "thread"], 
             ["tiny_alternate"], ["vfork_close", HOLD, "exec"], ["vfork_close", HOLD, "_exit"],
             ["unshared", "alone"], ["unshared", "thread"], ["unshared", "exit"],
             ["unshared", "fork"], ["clone_vm", "exec"], ["clone_vm", "_exit"],
             ["clone_vm", "beside"], ["clone_vm", "files"],
             ["sandboxed", HOLD, "strict"], ["sandboxed", HOLD, "prctl"],
             ["sandboxed", HOLD, "syscall"], ["sandboxed", HOLD, "other"]]
    runs += [["dispositions", way] for way in dispositions()]
    return runs


BY_CHANCE = [["jumps_out", 300, HOLD], ["threads_random", 5, 100, 0]]

ALSO = [(re.compile(r"^opened.*$", re.M), "opened"),  # what threads do by chance
        (re.compile(r"interrupted: (yes|no)"), "interrupted"),
        (re.compile(r"from port \d+"), "from port N"),
        (re.compile(r"^\d+ 7$", re.M), "N 7")]  # a child's pid and status


@pytest.mark.parametrize("argv", programs(), ids=lambda argv: "-".join(map(str, argv)))
def test_program_is_as_without(start, tmp_path, argv):
    path = program(argv[0])
    if not os.path.exists(path):
        pytest.skip("%s was not built" % argv[0])
    assert differences(start, tmp_path, [path] + argv[1:], grace=GRACE, also=ALSO) == []


@pytest.mark.parametrize("argv", BY_CHANCE, ids=lambda argv: argv[0])
def test_program_that_keeps_descriptors_by_chance(start, tmp_path, argv):
    fds = [(re.compile(r"^fd .*\n", re.M), "")]
    assert differences(start, tmp_path, [program(argv[0])] + argv[1:], grace=GRACE,
                       also=ALSO + fds) == []


def made(start, strace, argv, env):
    """How many threads and processes a program makes, those that have ended too."""
    words = [word for pair in env.items() for word in ("-E", "%s=%s" % pair)]
    run = start([strace, "-f", "-qq", "-e", "trace=clone,clone3,fork,vfork", "-e", "signal=none",
                 "-o", "calls"] + words + argv, preload=False)
    assert run.wait() == 0, run.err
    with open(run.out_path.replace("stdout", "calls")) as f:
        return len(re.findall(r"(?:clone3?|v?fork)(?:\(.*| resumed>.*)= \d+", f.read()))


@pytest.mark.parametrize("argv, count", [
    (["leaks_many", HOLD, 20], 0), (["forks_many", 5, "forking"], 10), (["many_threads", 7], 7),
    (["vfork_close", HOLD, "exec"], 50)], ids=lambda value: str(value))
def test_library_makes_no_thread_and_no_child(start, need, directory, argv, count):
    strace = need("strace")
    command = [program(argv[0])] + argv[1:]
    settings = "dir=%s:grace=%s" % (directory, GRACE)
    assert made(start, strace, command, {}) == count
    assert made(start, strace, command,
                {"LD_PRELOAD": LIBRARY, "CLOSEWAIT_OPTIONS": settings}) == count


# The tests of these tests: what a bad library does is seen.

@pytest.mark.parametrize("way, where", [
    ("descriptor", "looks: .*fd 3"), ("thread", "looks: .*Threads:"),
    ("child", "looks: .*children 1"), ("handler", "looks: .*signal 12 handler"),
    ("mask", "looks: .*SigBlk:"), ("output", "out: "), ("error", "err: "), ("errno", "out: "),
    ("status", "status: ")])
def test_harm_is_seen(start, tmp_path, way, where):
    found = differences(start, tmp_path, [program("left_midway"), 0], env={"SPOIL": way},
                        preload=program("spoils") + ".so", also=ALSO)
    assert any(re.match(where, one, re.S) for one in found), found


def test_library_that_does_nothing_does_no_harm(start, tmp_path):
    assert differences(start, tmp_path, [program("left_midway"), 0], also=ALSO,
                       preload=program("spoils") + ".so") == []
