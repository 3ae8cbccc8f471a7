# SPDX-License-Identifier: MIT
"""No program can tell that it is traced, and none is broken by it."""
import os
import random
import re
import signal
import socket
import subprocess
import time

import pytest

from reports import HEAD, Report, named
from traced import (DEADLINE, LIBRARY, client, environment, files_below, program, tool,
                    traces, until)

HOLD = 50  # ms; longer than GRACE
GRACE = "10ms"
LATE = 120  # ms; no close that comes sooner after an end-of-file is late

REFUSALS = ["dup2", "dup3", "close", "close_not_known", "syscall", "close_range", "fclose"]


# Descriptors

@pytest.fixture
def daemon(start, tmp_path):
    """daemon(way, from_, preload): one that has closed all descriptors, and its port."""
    def run(way, from_, preload=True, prefix=(), **options):
        port_file = str(tmp_path / ("port%d" % preload))
        options.setdefault("grace", GRACE)
        server = start(list(prefix) + [program("closes_all"), way, from_, port_file],
                       preload=preload, **options)
        until(lambda: os.path.exists(port_file) or not server.alive(), "the port")
        if not server.alive() and server.wait() == 77:
            pytest.skip("the kernel has no %s" % way)
        assert server.alive(), server.err
        return server, int(open(port_file).read())
    return run


def talk(s, seed, rounds=40):
    """Sends bytes by chance; each must come back as it was."""
    chance = random.Random(seed)
    for _ in range(rounds):
        sent = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 3000)))
        s.sendall(sent)
        got = b""
        while len(got) < len(sent):
            part = s.recv(len(sent) - len(got))
            assert part, "the server closed"
            got += part
        assert got == sent


def descriptors(pid):
    """{number: what it is}, sockets and pipes without their inodes."""
    place = "/proc/%d/fd" % pid
    return {int(fd): re.sub(r":\[\d+\]$", "", os.readlink(os.path.join(place, fd)))
            for fd in os.listdir(place)}


def served_by(daemon, way, preload, rounds=20):
    server, port = daemon(way, 3, preload)
    for seed in range(rounds):
        with socket.create_connection(("127.0.0.1", port), DEADLINE) as s:
            talk(s, seed, 5)
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as s:
        talk(s, "the last", 1)
        held = descriptors(server.pid)
    del held[1], held[2]  # files of this test's own
    return server, held


@pytest.mark.parametrize("way", ["loop", "close_range", "closefrom"])
def test_daemon_that_closed_all_descriptors(daemon, way):
    native, expected = served_by(daemon, way, preload=False)
    server, held = served_by(daemon, way, preload=True)
    assert held == expected
    assert sorted(held) == [0, 3, 4]
    assert server.end() == native.end() == -signal.SIGTERM
    assert server.err == ""


@pytest.mark.parametrize("way", ["close_range", "closefrom"])
def test_not_one_byte_to_a_client_that_got_descriptor_2(daemon, directory, way):
    server, port = daemon(way, 0)  # the listener is 0
    client(port, b"k", 1)  # gets 1, and leaks
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as s:
        talk(s, "two", 5)
        assert descriptors(server.pid) == {0: "socket", 1: "socket", 2: "socket"}
        until(lambda: idle_for_grace(server.pid), "the leak to be old enough")
        assert server.end() == -signal.SIGTERM
        with pytest.raises((ConnectionResetError, StopIteration)):
            rest = s.recv(1000)
            assert rest == b"", rest
            raise StopIteration
    assert server.err == ""
    beside, = [path for path in files_below(directory) if path.endswith(".report.txt")]
    report = Report(open(beside).read())
    assert (report.pid, report.leaks) == (server.pid, 1), report.text
    assert report.only().verdict == "eof-ignored", report.text


def idle_for_grace(pid):
    """True once the process, and so all it has done, is older than GRACE by far."""
    with open("/proc/%d/stat" % pid) as f:
        started = int(f.read().rsplit(")", 1)[1].split()[19])
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    return now - started / os.sysconf("SC_CLK_TCK") > 0.5


@pytest.mark.parametrize("way", REFUSALS)
def test_descriptor_whose_close_failed_is_still_tracked(start, way):
    run = start([program("close_refused"), HOLD, way], grace=GRACE)
    if run.wait() == 77:
        pytest.skip("no seccomp filter can be had here")
    assert run.process.returncode == 0, run.err
    group = Report(run.err).only()
    assert (group.verdict, group.count) == ("eof-ignored", 1), run.err


@pytest.mark.parametrize("new", ["live", "left"])
def test_eof_of_a_closed_socket_is_not_that_of_the_next_by_its_number(start, new):
    run = start([program("recv_reused"), HOLD, new], grace=GRACE)
    assert run.wait() == 0, run.err
    assert run.out == "recv of the old: 0\n"
    if new == "live":
        assert run.err == ""
        return
    group = Report(run.err).only()
    assert (group.verdict, group.count) == ("eof-unread", 1), run.err
    assert group.stack("opened")[0].startswith("accepter"), run.err
    assert "EOF read" not in group.stacks, run.err
    assert "never read" in group.text


@pytest.mark.parametrize("connections", [0, 1000])
@pytest.mark.parametrize("way", ["left", "closed"])
def test_number_that_changed_hands_unseen_is_held_against_nobody(start, connections, way):
    """Also where so many kept theirs before that the kernel is not asked at each end-of-file."""
    run = start([program("place_taken"), connections, LATE, way], grace=GRACE, show="open")
    assert run.wait() == 0, run.err
    report = Report(run.err)
    assert report.leaks == 0, run.err
    assert "slow" not in run.err and "late" not in run.err, run.err
    assert "1 gone out of our sight" in run.err, run.err


def test_call_that_is_left_in_the_middle_leaves_nothing_behind(start):
    """Cancelled, jumped out of, interrupted: what comes afterwards is recorded as ever."""
    run = start([program("left_midway"), HOLD], grace=GRACE)
    assert run.wait() == 0, run.err
    assert run.out.count(": yes, cleaned up 1") == 5, run.out
    report = Report(run.err)
    assert (report.leaks, report.only().verdict) == (1, "eof-ignored"), run.err
    assert "4 sockets opened: 2 closed, 1 leaked, 1 listening" in report.text, run.err
    assert "double-close" not in report.text


def test_handler_that_jumps_out_leaves_no_lock_behind(start):
    run = start([program("jumps_out"), 5000, HOLD], grace=GRACE)
    assert run.wait() == 0, run.err
    report = Report(run.err)
    assert (report.leaks, report.only().verdict) == (1, "eof-ignored"), run.err
    assert named(report.only().stack("EOF read"), "leak", "main"), run.err
    assert not re.search("^lost: .* stacks", report.text, re.M), run.err


@pytest.mark.parametrize("way", ["threads", "alone"])
def test_first_socket_in_a_handler_is_recorded(start, way):
    run = start([program("first_in_handler"), HOLD, way], grace=GRACE)
    assert run.wait() == 0, run.err
    report = Report(run.err)
    assert report.leaks == 2, run.err
    stacks = [group.stack("opened") for group in report.groups]
    assert all(named(stack, "leak_in_handler", "main") for stack in stacks), run.err
    assert "lost:" not in report.text, run.err


def test_server_whose_standard_error_is_its_client(directory):
    """As inetd starts them: what is written to descriptor 2 goes to the peer."""
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, socket.create_connection(listener.getsockname(), DEADLINE) as s:
        connection, _ = listener.accept()
        env = environment(True, {"grace": GRACE, "unwind": "nonsense"}, directory)
        with connection:
            server = subprocess.Popen([program("leaks_many"), str(HOLD), "20"], env=env,
                                      stdin=connection, stdout=connection, stderr=connection)
        received = s.makefile("rb").read()
        assert server.wait(DEADLINE) == 0
    assert received == b"served 20\n"
    beside, = [path for path in files_below(directory) if path.endswith(".report.txt")]
    assert Report(open(beside).read()).leaks == 20


# Memory and the loader

def end_while_allocating(start, threads, count):
    runs = [start([program("malloc_loops"), 20, threads], grace=GRACE) for _ in range(count)]
    for run in runs:
        run.line("ready")
    for run in runs:
        os.kill(run.pid, signal.SIGTERM)
    for run in runs:
        assert run.wait() == -signal.SIGTERM, run.err
        report = Report(run.err)
        assert (report.pid, report.leaks) == (run.pid, 1), run.err
        assert report.only().verdict == "eof-ignored"
        assert report.only().stack("EOF read"), run.err
        assert "nothing lost." in report.text, report.text


@pytest.mark.parametrize("threads", [1, 2])
def test_sigterm_while_the_heap_is_being_changed(start, threads):
    for _ in range(20):
        end_while_allocating(start, threads, 5)


@pytest.mark.parametrize("before", ["used", "unused"])
def test_fork_while_a_thread_is_in_the_loader(start, before):
    children = 150
    run = start([program("fork_in_dlopen"), "libm.so.6", children, before], grace="0")
    assert run.wait() == 0, run.err
    ended = dict(map(int, line.split()) for line in run.out.splitlines())
    assert len(ended) == children and set(ended.values()) == {7}, run.out
    told = {int(match.group(4)) for match in HEAD.finditer(run.err)}
    assert told == set(ended), run.err
    assert run.err.count("eof-ignored  1 paired socket") == children, run.err
    assert run.err.count("EOF read    leak") == children, run.err
    if before == "used":
        assert "only the caller" not in run.err


def test_constructor_that_waits_for_the_thread_with_the_first_socket(start, directory):
    run = start([program("waits_in_constructor"),
                 program("library_waits_in_constructor") + ".so"], keep="always")
    assert run.wait() == 0, run.err
    assert (run.out, run.err) == ("loaded\n", "")
    assert len(traces(directory)) == 1


@pytest.mark.parametrize("way", ["strict", "prctl", "syscall", "other"])
def test_sandbox_kills_for_nothing_of_ours(start, way):
    run = start([program("sandboxed"), HOLD, way], grace=GRACE)
    if run.wait() == 77:
        pytest.skip("no seccomp filter can be had here")
    assert (run.process.returncode, run.out) == (0, "fine\n"), run.err
    if way == "other":
        assert Report(run.err).leaks == 1, run.err
    else:
        assert run.err == ""


def test_handlers_that_open_sockets_while_their_thread_forks(start):
    run = start([program("forks_interrupted"), HOLD, 500], grace=GRACE)
    assert run.wait() == 0, run.err
    assert run.out == "other masks 0\n"
    report = Report(run.err)
    assert report.leaks == 1, run.err
    assert "lost:" not in report.text, run.err


def test_close_that_was_cancelled_has_closed_nothing(start):
    run = start([program("cancelled_close"), HOLD], grace=GRACE)
    assert run.wait() == 0, run.err
    group = Report(run.err).only()
    assert (group.verdict, group.count) == ("eof-ignored", 1), run.err


# Signals

def dispositions():
    try:
        return subprocess.check_output([program("dispositions")],
                                       universal_newlines=True).split()
    except OSError:
        return []


@pytest.mark.parametrize("way", dispositions())
def test_signals_read_back_as_they_were_set(start, way):
    native = start([program("dispositions"), way], preload=False)
    traced = start([program("dispositions"), way])
    assert (traced.wait(), native.wait()) == (0, 0)
    different = [pair for pair in zip(native.out.splitlines(), traced.out.splitlines())
                 if pair[0] != pair[1]]
    assert different == []
    assert len(native.out.splitlines()) == len(traced.out.splitlines()) > 60


def test_process_one_ignores_signals_as_without(start, directory):
    unshare = [tool("unshare") or "unshare", "--pid", "--fork", "--mount-proc"]
    if os.geteuid() != 0:
        unshare.insert(1, "-r")
    tried = subprocess.run(unshare + ["true"], stderr=subprocess.PIPE)
    if tried.returncode:
        pytest.skip("no pid namespace: " + tried.stderr.decode().strip())
    native = start(unshare + [program("process_one")], preload=False)
    assert native.wait() == 0, native.out
    traced = start(unshare + ["env", "LD_PRELOAD=" + LIBRARY, "CLOSEWAIT_OPTIONS=grace=%s:dir=%s"
                              % (GRACE, directory), program("process_one")], preload=False)
    assert traced.wait() == 0, traced.err
    assert traced.out == native.out
    assert native.out == "nanosleep: whole\nraise: 0\nalive\n"
    report = Report(traced.err)
    assert (report.pid, report.leaks) == (1, 1), traced.err
    assert named(report.only().stack("opened"), "leak", "main"), traced.err


def test_room_for_a_peer_s_address_is_the_kernel_s_to_judge(start, directory, read_report):
    def answers(run):
        return re.sub(r"from port \d+", "", run.out)

    native = start([program("accept_room"), 0], preload=False)
    assert native.wait() == 0
    run = start([program("accept_room"), 60000], grace=GRACE)
    run.line("^done$")
    assert answers(run) == answers(native)
    # A killed process's report has nothing but what was recorded at accept.
    assert run.end(signal.SIGKILL) == -signal.SIGKILL
    text = read_report("--all", traces(directory)[0]).text
    ports = re.findall(r"from port (\d+)", run.out)
    assert len(ports) == 14
    assert [port for port in ports if "<- 127.0.0.1:%s " % port not in text] == []
