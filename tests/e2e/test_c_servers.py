# SPDX-License-Identifier: MIT
"""The C examples: which code, how many, and how the others were closed."""
import os
import re
import signal
import termios
import time

from reports import Report, duration, named
from traced import PYTHON, client, example, files_below, until_older_than


def serve(start, name, connections, requests, **options):
    """Runs an example over a list of (bytes, length of the answer)."""
    options.setdefault("grace", "50ms")
    server = start([example(name), 0, connections], **options)
    port = server.port()
    peers = [client(port, *request) for request in requests]
    server.line("served %d" % connections)
    until_older_than(time.monotonic(), 0.15)
    return server, peers


def test_50_of_200_leaked_after_eof_are_one_group(start):
    requests = [(b"half a line", 0) if i % 4 == 3 else (b"line\n", 3) for i in range(200)]
    server, peers = serve(start, "eof_ignored", 200, requests)
    assert server.end() == -signal.SIGTERM
    report = Report(server.err)
    group = report.only()
    assert (report.leaks, report.places) == (50, 1), report.text
    assert (group.verdict, group.count) == ("eof-ignored", 50)
    assert named(group.stack("EOF read"), "read_request", "serve_conn", "main"), report.text
    assert named(group.stack("opened"), "accept_conn", "main"), report.text
    assert group.stack("EOF read")[0].startswith("read_request")
    assert group.stack("opened")[0].startswith("accept_conn")
    assert "never sent" in group.text
    assert "of 200 opened here, 150 were closed" in group.text
    dwells = re.search(r"dwell p50 (.*?), p99 (.*?), max (.*?):", group.text)
    assert dwells, report.text
    p50, p99, most = (duration(text) for text in dwells.groups())
    assert p50 <= p99 < 5 and most < 5
    closers = re.findall(r"^ +(\d+)  (conn_close\b.*)$", group.text, re.M)
    assert [int(count) for count, _ in closers] == [150]
    assert re.search(r"conn_close.*<- serve_conn", closers[0][1]), report.text
    assert sum(peer in group.text for peer in peers[3::4]) == len(group.sockets)
    assert "%d more" % (50 - len(group.sockets)) in group.text
    assert "201 sockets opened: 150 closed, 50 leaked, 1 listening" in report.text
    assert "nothing lost" in report.text


def test_the_command_shows_all_50(start, directory, read_report):
    requests = [(b"half", 0)] * 50
    server, peers = serve(start, "eof_ignored", 50, requests)
    server.end()
    group = read_report("--all", directory).only()
    assert len(group.sockets) == 50
    assert all(any(peer + " " in held + " " for held in group.sockets) for peer in peers)


def test_leak_on_an_error_path_was_never_read_again(start):
    requests = [(b"PUT it\n", 0) if i % 4 == 3 else (b"GET it\n", 17) for i in range(40)]
    server, _ = serve(start, "error_path_leak", 40, requests)
    server.line("bad 10")
    assert server.end() == -signal.SIGTERM
    report = Report(server.err)
    group = report.only()
    assert (group.verdict, group.count) == ("eof-unread", 10), report.text
    assert named(group.stack("opened"), "main")
    assert named(group.stack("first read"), "read_line", "handle_request", "main")
    assert "30 were closed" in group.text
    assert re.search(r"30  finish.*<- handle_request", group.text), report.text


def test_unread_bytes_are_counted(start):
    request = b"PUT it\n" + b"x" * 1000
    server, _ = serve(start, "error_path_leak", 1, [(request, 0)])
    server.end()
    group = Report(server.err).only()
    told = re.search(r"in (\d+) B +out 0 B +unread (\d+) B", group.text)
    assert told and sum(map(int, told.groups())) == len(request), group.text


def test_eof_read_again_and_again_is_a_fault_and_no_leak(start):
    server, _ = serve(start, "eof_spin", 3, [(b"short", 0)] * 3)
    assert server.end() == -signal.SIGTERM
    report = Report(server.err)
    assert report.leaks == 0, report.text
    group = report.group("eof-spin")
    assert "read_header" in group.text and "main" in group.text, report.text


def test_healthy_service_is_not_mentioned(start, directory):
    server, _ = serve(start, "eof_ignored", 100, [(b"line\n", 3)] * 100)
    assert server.end() == -signal.SIGTERM
    assert server.err == ""
    assert files_below(directory) == []


def test_younger_than_grace_is_counted_not_judged(start):
    server, _ = serve(start, "eof_ignored", 4, [(b"half", 0)] * 4, grace="10m")
    server.end()
    assert server.err == ""


def test_running_out_of_descriptors_names_who_holds_them(start, directory,
                                                              read_report):
    server = start(["sh", "-c", "ulimit -n 16; exec \"$@\"", "sh", example("eof_ignored"), 0, 20],
                   grace="20ms")
    port = server.port()
    for i in range(20):
        try:
            client(port, b"half")
        except OSError:
            break
    assert server.wait() == 1
    said = [line for line in server.err.splitlines() if "no descriptor is left" in line]
    assert said == ["closewait: pid %d: no descriptor is left (EMFILE, limit 16); 13 sockets held: "
                    "closewait top %d shows where they were opened" % (server.pid, server.pid)]
    assert server.err.index(said[0]) == 0, server.err
    group = Report(server.err).group("descriptors-exhausted")
    assert "12 held of those opened in" in group.text, server.err
    group = read_report(directory).group("descriptors-exhausted")
    assert "12 held of those opened in" in group.text and "accept_conn" in group.text


def test_running_out_of_descriptors_waits_for_no_terminal(start, terminals):
    """One that Ctrl-S has stopped: the program goes on."""
    code = """if True:
        import contextlib, os, resource, signal, socket
        resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
        held = []
        with contextlib.suppress(OSError):
            while True:
                held.append(socket.socket())
        print("refused", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    ours, theirs = os.openpty()
    termios.tcflow(theirs, termios.TCOOFF)
    one = start(["sh", "-c", "exec \"$@\" 2>%s" % os.ttyname(theirs), "sh", PYTHON, "-c", code])
    one.line("refused")
    termios.tcflow(theirs, termios.TCOON)
    os.close(ours)
    os.close(theirs)
