# SPDX-License-Identifier: MIT
"""What `closewait run` sees in the kernel's table of processes that are killed."""
import os
import signal
import socket
import struct
import subprocess
import time

import pytest

from reports import Report
from traced import COMMAND, PYTHON, client, example, traces, until, until_older_than

# tools/samples.h
HEADER = struct.Struct("16sIIQQQII")
# Of a record: cookie, first, until, and of its look the peer's port.
RECORD = struct.Struct("QQQ 64x 28x 2x H")


def records(directory):
    """ns of the last look, and (cookie, first, until, peer's port) of each socket, of the one session
    there. Others on the machine have sockets too."""
    for session in os.listdir(directory):
        path = os.path.join(directory, session, "samples")
        if not os.path.exists(path) or os.path.getsize(path) < HEADER.size:
            continue
        with open(path, "rb") as f:
            content = f.read()
        magic, version, size, _, last, _, count, _ = HEADER.unpack_from(content)
        assert (magic, version) == (b"closewait looks\n", 1)
        return last, [RECORD.unpack_from(content, HEADER.size + i * size) for i in range(count)]
    return 0, []


def samples(directory):
    """The same as {peer's port: (first, until)}."""
    last, found = records(directory)
    return last, {port: (first, end) for _, first, end, port in found}


def await_seen(directory, peer, ns):
    """Until the socket of that peer has been seen in CLOSE_WAIT for so long."""
    def look():
        last, records = samples(directory)
        first, end = records.get(int(peer.split(":")[1]), (last, 0))
        return not end and first and last - first > ns
    until(look, "a look that saw %s for %d ns" % (peer, ns))


def the_child(pid):
    return int(subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(pid)]))


def state_of(pid):
    with open("/proc/%d/stat" % pid) as f:
        return f.read().rsplit(")", 1)[1].split()[0]


def test_seeds_server_killed_two_seconds_after_the_client(run, directory, read_report):
    """As the user has it: one look a second, a grace of one."""
    one = run(command=[PYTHON, "-u", example("stuck_server.py"), 0])
    peer = client(one.port(), b"Hello, server!")
    one.line("received 14 bytes")
    await_seen(directory, peer, 999000000)
    os.kill(the_child(one.pid), signal.SIGKILL)
    assert one.wait() == -signal.SIGKILL
    report = Report(one.err)
    group = report.only()
    assert (group.verdict, group.count) == ("eof-unread", 1), report.text
    assert peer in group.text and "CLOSE_WAIT" in group.text
    assert "stuck_server.py:11" in group.text and "stuck_server.py:14" in group.text
    assert "Kernel state last read" in report.text and "before the end" in report.text
    # What is kept says it again, for whoever reads it later.
    again = read_report(os.path.dirname(traces(directory)[0]))
    assert again.only().verdict == "eof-unread" and peer in again.text


def test_nobody_asks_where_it_is_off(run, directory):
    one = run("--sample", "off", command=[PYTHON, "-u", example("stuck_server.py"), 0])
    client(one.port(), b"Hello, server!")
    one.line("received 14 bytes")
    os.kill(the_child(one.pid), signal.SIGKILL)
    assert one.wait() == -signal.SIGKILL
    assert samples(directory) == (0, {})
    report = Report(one.err)
    assert report.group("unknown").count == 1
    assert "nobody had asked the kernel" in report.text


def test_a_killed_child_whose_parent_goes_on(run, directory):
    """Who waited for it is not us: the last look is the last thing that is known of it."""
    code = """if True:
        import subprocess, sys
        subprocess.run(sys.argv[1:])
        print("over", flush=True)
        sys.stdin.read()
    """
    one = run("--sample", "20ms", "--grace", "100ms", stdin=subprocess.PIPE,
              command=[PYTHON, "-c", code, PYTHON, "-u", example("stuck_server.py"), "0"])
    peer = client(one.port(), b"Hello, server!")
    one.line("received 14 bytes")
    await_seen(directory, peer, 200000000)
    os.kill(the_child(the_child(one.pid)), signal.SIGKILL)
    one.line("over")
    one.process.stdin.close()
    assert one.wait() == 0
    report = Report(one.err)
    group = report.only()
    assert (group.verdict, group.count) == ("eof-unread", 1), report.text
    assert peer in group.text


def test_a_socket_that_was_closed_in_time_is_nobodys_leak(run, directory):
    """It was seen in CLOSE_WAIT, then closed, then its process was killed."""
    code = """if True:
        import socket, sys
        s = socket.create_server(("127.0.0.1", 0))
        print("listening on 127.0.0.1:%d" % s.getsockname()[1], flush=True)
        conn, peer = s.accept()
        sys.stdin.readline()
        conn.close()
        print("closed", flush=True)
        sys.stdin.read()
    """
    one = run("--sample", "20ms", "--grace", "50ms", stdin=subprocess.PIPE,
              command=[PYTHON, "-c", code])
    peer = client(one.port())
    await_seen(directory, peer, 100000000)
    one.process.stdin.write(b"go\n")
    one.process.stdin.flush()
    one.line("closed")
    until(lambda: samples(directory)[1][int(peer.split(":")[1])][1], "a look without it")
    os.kill(the_child(one.pid), signal.SIGKILL)
    assert one.wait() == -signal.SIGKILL
    assert "no leaks" in one.err or Report(one.err).leaks == 0, one.err


UNIX_SERVER = """if True:
    import os, socket, struct, sys
    s = socket.socket(socket.AF_UNIX)
    s.bind(sys.argv[1])
    s.listen(1)
    print("listens", flush=True)
    conn, peer = s.accept()
    cookie = conn.getsockopt(socket.SOL_SOCKET, 57, 8)
    print("accepted %d" % struct.unpack("Q", cookie), conn.recv(5), flush=True)
    sys.stdin.read()
    os._exit(0)
"""


@pytest.mark.parametrize("killed", [True, False])
@pytest.mark.parametrize("grace", ["50ms", "1h"])
def test_a_unix_socket_whose_peer_has_left(run, directory, tmp_path, grace, killed):
    """Nothing else tells since when; the kernel keeps no time for it."""
    path = str(tmp_path / "socket")
    one = run("--sample", "20ms", "--grace", grace, stdin=subprocess.PIPE,
              command=[PYTHON, "-c", UNIX_SERVER, path])
    one.line("listens")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        peer.sendall(b"hello")
        cookie = int(one.line(r"accepted (\d+)").group(1))

    def look():
        last, found = records(directory)
        return [1 for there, first, end, _ in found
                if there == cookie and not end and last - first > 100000000]
    until(look, "looks that saw it hung up")
    if killed:
        os.kill(the_child(one.pid), signal.SIGKILL)
    one.process.stdin.close()
    assert one.wait() == (-signal.SIGKILL if killed else 0)
    if grace == "1h":
        assert "1 not judged" in one.err or "no leaks" in one.err, one.err
        return
    group = Report(one.err).only()
    assert (group.verdict, group.count) == ("eof-unread", 1), one.err
    assert "at least" in group.headline


def test_a_unix_socket_that_nobody_dates_is_not_judged(start, directory, tmp_path):
    path = str(tmp_path / "socket")
    server = start([PYTHON, "-c", UNIX_SERVER, path], grace="1ms", stdin=subprocess.PIPE,
                   show="open")
    server.line("listens")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        peer.sendall(b"hello")
        server.line("accepted")
    server.process.stdin.close()
    assert server.wait() == 0
    assert Report(server.err).leaks == 0 and "1 not judged" in server.err, server.err


def test_what_was_left_just_now_is_young(run, directory):
    """Killed within the grace: there was no time to close."""
    one = run("--sample", "20ms", "--grace", "1h",
              command=[PYTHON, "-u", example("stuck_server.py"), 0])
    peer = client(one.port(), b"Hello, server!")
    await_seen(directory, peer, 0)
    os.kill(the_child(one.pid), signal.SIGKILL)
    assert one.wait() == -signal.SIGKILL
    assert "1 not judged" in one.err or "no leaks" in one.err, one.err


@pytest.mark.parametrize("written", ["1ms", "soon", "-1", ""])
def test_a_wrong_period_is_named(closewait, written):
    done = closewait("run", "--sample", written, "--", "true")
    assert done.returncode == 125
    assert done.stderr.count("\n") == 1 and "--sample: '%s'" % written in done.stderr


@pytest.mark.parametrize("damage", ["empty", "short", "magic", "size", "count"])
def test_a_damaged_file_says_nothing(run, directory, read_report, damage):
    one = run("--sample", "20ms", "--keep",
              command=[PYTHON, "-u", example("stuck_server.py"), 0])
    peer = client(one.port(), b"Hello, server!")
    await_seen(directory, peer, 0)
    os.kill(the_child(one.pid), signal.SIGKILL)
    one.wait()
    session = os.path.dirname(traces(directory)[0])
    path = os.path.join(session, "samples")
    with open(path, "r+b") as f:
        content = bytearray(f.read())
        if damage == "empty":
            f.truncate(0)
        elif damage == "short":
            f.truncate(HEADER.size - 1)
        else:
            at, value = {"magic": (0, 0), "size": (20, 7), "count": (48, 0xffffffff)}[damage]
            content[at:at + 4] = struct.pack("I", value)
            f.seek(0)
            f.write(content)
    text = read_report(session).text
    assert ("unknown" in text) == (damage != "count"), text


def test_what_top_saw_is_in_the_report_after_kill(start, directory, read_report):
    """Under LD_PRELOAD alone nobody asks the kernel, but for who watches."""
    server = start([PYTHON, "-u", example("stuck_server.py"), 0], grace="20ms")
    peer = client(server.port(), b"Hello, server!")
    server.line("received 14 bytes")
    top = start([COMMAND, "top", "--interval", "100ms", server.pid], preload=False)
    await_seen(directory, peer, 150000000)
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    assert top.wait() == 0
    group = read_report(os.path.dirname(traces(directory)[0])).only()
    assert (group.verdict, group.count) == ("eof-unread", 1) and peer in group.text


def test_top_leaves_nothing_of_a_server_that_ended_well(start, directory):
    code = """if True:
        import socket
        with socket.create_server(("127.0.0.1", 0)) as s:
            print("listening on 127.0.0.1:%d" % s.getsockname()[1], flush=True)
            try:
                input()
            except EOFError:
                pass
    """
    server = start([PYTHON, "-u", "-c", code], stdin=subprocess.PIPE)
    server.port()
    top = start([COMMAND, "top", "--interval", "100ms", server.pid], preload=False)
    top.line("listening")
    until(lambda: samples(directory)[0], "a look that is written down")
    server.process.stdin.close()
    server.wait()
    assert top.wait() == 0
    assert os.listdir(directory) == []


@pytest.mark.parametrize("how", [["--once"], ["--interval", "100ms"]])
def test_top_leaves_nothing_beside_a_server_that_goes_on(start, directory, how):
    server = start([PYTHON, "-u", example("stuck_server.py"), 0])
    server.port()
    before = os.listdir(os.path.dirname(traces(directory)[0]))
    top = start([COMMAND, "top"] + how + [server.pid], preload=False)
    top.line("listening")
    if how != ["--once"]:
        until(lambda: samples(directory)[0], "a look that is written down")
        os.kill(top.pid, signal.SIGTERM)
    assert top.wait() == 0
    assert os.listdir(os.path.dirname(traces(directory)[0])) == before


AT_EOF = """if True:
    import os, socket, sys
    s = socket.create_server(("127.0.0.1", 0))
    print("listening on 127.0.0.1:%d" % s.getsockname()[1], flush=True)
    worker = os.fork() if "fork" in sys.argv else 0
    if worker:
        os.waitpid(worker, 0)
        sys.exit()
    conn, peer = s.accept()
    while conn.recv(100):
        pass
    print("EOF", flush=True)
    sys.stdin.read()
"""


def test_the_end_is_not_when_we_learned_of_it(run):
    """Stopped, we are told of a death when we go on: what it was just about to close is young."""
    one = run("--grace", "500ms", "--sample", "20ms", stdin=subprocess.PIPE,
              command=[PYTHON, "-c", AT_EOF])
    port = one.port()
    child = the_child(one.pid)
    os.kill(one.pid, signal.SIGSTOP)
    until(lambda: state_of(one.pid) == "T", "closewait to be stopped")
    client(port, b"x")
    one.line("EOF")
    os.kill(child, signal.SIGKILL)
    until(lambda: state_of(child) == "Z", "the end of the server")
    until_older_than(time.monotonic(), 0.6)
    os.kill(one.pid, signal.SIGCONT)
    assert one.wait() == -signal.SIGKILL
    assert Report(one.err).leaks == 0, repr(one.err)


def test_a_worker_killed_at_its_eof(run):
    """Nobody saw when it ended; but no look has found its socket in CLOSE_WAIT."""
    one = run("--sample", "1h", stdin=subprocess.PIPE, command=[PYTHON, "-c", AT_EOF, "fork"])
    client(one.port(), b"x")
    one.line("EOF")
    os.kill(the_child(the_child(one.pid)), signal.SIGKILL)
    assert one.wait() == 0
    assert "no leaks" in one.err or Report(one.err).leaks == 0, one.err


def test_the_main_thread_has_ended(run, directory):
    """What such a process holds is seen by its other threads."""
    code = """if True:
        import ctypes, socket, sys, threading
        def serve():
            s = socket.create_server(("127.0.0.1", 0))
            print("listening on 127.0.0.1:%d" % s.getsockname()[1], flush=True)
            held = s.accept()
            sys.stdin.read()
        threading.Thread(target=serve).start()
        ctypes.CDLL(None).pthread_exit(None)
    """
    one = run("--sample", "20ms", "--grace", "50ms", stdin=subprocess.PIPE,
              command=[PYTHON, "-c", code])
    port = one.port()
    child = the_child(one.pid)
    until(lambda: state_of(child) == "Z", "the end of the main thread")
    peer = client(port)
    await_seen(directory, peer, 100000000)
    os.kill(child, signal.SIGKILL)
    assert one.wait() == -signal.SIGKILL
    assert Report(one.err).only().verdict == "eof-unread", one.err
